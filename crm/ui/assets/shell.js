// Loaded before Streamlit: leaves for the sign-in page when the session is over, and puts Streamlit's own words into the
// reader's language. What people typed is never touched.
"use strict";
(() => {
  // Calendars and numbers follow the browser's language: let it be the page's.
  const language = document.documentElement.lang;
  Object.defineProperty(navigator, "language", { get: () => language });
  Object.defineProperty(navigator, "languages", { get: () => [language] });

  // Spares the guesses that Streamlit makes about its own address on every page below the root.
  window.__streamlit = {
    BACKEND_BASE_URL: location.origin + "/",
    HOST_CONFIG: { allowedOrigins: ["https://nobody.invalid"], useExternalAuthToken: false },
  };

  const SESSION_ENDED = 4401;
  let leaving = false;

  function leave() {
    if (leaving) return;
    leaving = true;
    const here = location.pathname + location.search;
    location.replace(here === "/" ? "/login" : "/login?next=" + encodeURIComponent(here));
  }

  // A refused handshake looks like a broken line from here: ask which of the two it is.
  let asking = false;
  function leaveIfOver() {
    if (leaving || asking) return;
    asking = true;
    fetch("/session", { cache: "no-store", redirect: "manual" })
      .then((answer) => { if (answer.status === 401) leave(); })
      .catch(() => {})
      .finally(() => { asking = false; });
  }

  window.WebSocket = class extends window.WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("close", (event) => {
        if (event.code === SESSION_ENDED) leave();
        else if (event.code !== 1000) leaveIfOver();
      });
    }
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) leaveIfOver(); });

  // Back and forward may bring a page back from memory after its session was signed out.
  window.addEventListener("pageshow", (event) => { if (event.persisted) leaveIfOver(); });

  // words.zh.js, loaded only for Chinese readers: {anywhere, within: [{selector, words, patterns}], never, attributes}.
  // A `sure` rule names places that hold Streamlit's own words only.
  const words = window.crmWords;

  function translated(text, element) {
    const trimmed = text.trim();
    if (!trimmed || trimmed.length > 200 || !/[A-Za-z]/.test(trimmed)) return null;
    let found = words.anywhere[trimmed], sure = false;
    for (const rule of words.within) {
      if (found !== undefined) break;
      if (!element.closest(rule.selector)) continue;
      sure = rule.sure;
      found = rule.words[trimmed];
      if (found === undefined) {
        const pattern = (rule.patterns || []).find(([expression]) => expression.test(trimmed));
        if (pattern) found = trimmed.replace(pattern[0], pattern[1]);
      }
    }
    if (found === undefined || (!sure && element.closest(words.never))) return null;
    return text.replace(trimmed, () => found);
  }

  function translateText(node) {
    const parent = node.parentElement;
    const found = parent && translated(node.nodeValue, parent);
    if (found != null && found !== node.nodeValue) node.nodeValue = found;
  }

  function translateAttributes(element) {
    for (const name of words.attributes) {
      const value = element.getAttribute(name);
      const found = value && translated(value, element);
      if (found != null && found !== value) element.setAttribute(name, found);
    }
  }

  function translateTree(root) {
    if (root.nodeType === Node.TEXT_NODE) return translateText(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    translateAttributes(root);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      if (walker.currentNode.nodeType === Node.TEXT_NODE) translateText(walker.currentNode);
      else translateAttributes(walker.currentNode);
    }
  }

  const observer = new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "childList") {
        for (const node of change.addedNodes) {
          if (words) translateTree(node);
          if (node.nodeType === Node.ELEMENT_NODE && document.querySelector(".st-key-signed_out")) leave();
        }
      } else if (change.type === "characterData") translateText(change.target);
      else translateAttributes(change.target);
    }
  });
  document.addEventListener("DOMContentLoaded", () => {
    const watched = { childList: true, subtree: true };
    if (words) Object.assign(watched, { characterData: true, attributes: true, attributeFilter: words.attributes });
    observer.observe(document.body, watched);
  });
})();
