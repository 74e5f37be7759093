// The keys of the frame: "/" opens the search, "?" the list of keys; within the search the arrows walk over what was found
// and Enter opens the first line. Letters typed into a field stay letters.
"use strict";
(() => {
  const FIELD = ".st-key-find_anything input";
  const LINES = '.st-key-found [data-testid="stPageLink-NavLink"]';
  const dialog = () => document.querySelector('[role="dialog"]');
  const visible = (selector) => [...document.querySelectorAll(selector)].find((found) => found.offsetParent !== null);

  function isTyping(at) {
    return !!at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
  }

  const isDrawn = () => document.querySelector('[data-testid="stApp"]').dataset.testScriptState === "notRunning";

  // A press while the page is still being drawn would be lost: it waits for the end, three seconds at most.
  function press(event, selector) {
    if (!visible(selector) || dialog()) return;
    event.preventDefault();
    const until = Date.now() + 3000;
    const trying = () => {
      if (!isDrawn() && Date.now() < until) return setTimeout(trying, 50);
      const button = visible(selector);
      if (button && !dialog()) button.click();
    };
    trying();
  }

  // Enter may come before the answer to the last letters has: then the first line opens as soon as all of it is there.
  let waiting = 0;
  function openFirst() {
    const field = document.querySelector(FIELD), answer = document.querySelector(".st-key-found .crm-found");
    clearTimeout(waiting);
    if (!field || !field.value.trim()) return;
    if (!answer || answer.dataset.for !== field.value || !isDrawn()) waiting = setTimeout(openFirst, 40);
    else if (document.querySelector(LINES)) document.querySelector(LINES).click();
  }

  function walk(event, step) {
    const stops = [document.querySelector(FIELD), ...document.querySelectorAll(LINES)];
    const at = stops.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    (stops[at + step] || stops[at]).focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const at = document.activeElement;
    const inSearch = document.querySelector(FIELD) !== null;
    if (inSearch && event.key === "ArrowDown") walk(event, 1);
    else if (inSearch && event.key === "ArrowUp") walk(event, -1);
    else if (inSearch && event.key === "Enter" && at === document.querySelector(FIELD)) openFirst();
    else if (isTyping(at)) return;
    else if (event.key === "/") press(event, '[class*="st-key-search_"] button');
    else if (event.key === "?") press(event, ".st-key-keys button");
    // A page's own keys rest while a dialog lies over it.
    else if (dialog() && /^[a-z]$/i.test(event.key)) event.stopImmediatePropagation();
  }, true);

  // A link to another record of the same page changes the page but, left to Streamlit, not the address.
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest('[data-testid="stPageLink-NavLink"]');
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.pathname === location.pathname && link.origin === location.origin) history.pushState(history.state, "", link.href);
  }, true);

  document.addEventListener("input", (event) => { if (event.target.matches(FIELD)) clearTimeout(waiting); });

  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) {
        const field = node.nodeType === Node.ELEMENT_NODE && (node.matches(FIELD) ? node : node.querySelector(FIELD));
        // After the dialog has taken the focus for itself.
        if (field) setTimeout(() => { field.focus(); field.select(); }, 60);
      }
    }
  }).observe(document, { childList: true, subtree: true });
})();
