// Printing: the button of a report page and Ctrl+P lay the page out for A4 across, set its tables down row by row, say in words
// what the filters are, open the browser's own dialog, and put everything back. print.css says how it looks.
"use strict";
(() => {
  const root = document.documentElement;
  const PAGE = 836; // the height of a page in pixels, at the scale of print.css
  const BAND = 60; // rows drawn at a time: a canvas has a largest size
  const MOST = 2000; // rows of one table
  const SHARP = 2; // dots drawn for each pixel
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const main = () => document.querySelector('[data-testid="stMainBlockContainer"]');
  let undo = null;

  async function print() {
    if (undo || !main()) return;
    undo = () => {};
    for (let tries = 0; tries < 200 && !isWhole(); tries += 1) await pause(50);
    await prepare();
    root.dataset.printReady = "";
    window.print();
  }

  // Whether the page's script has run and all it sent is there: a table that is still loading would be cut at its edge.
  function isWhole() {
    const grids = [...main().querySelectorAll('[data-testid="stDataFrame"]')];
    return document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
      && !main().querySelector('[data-testid="stSkeleton"]') && grids.every((grid) => !grid.offsetParent || grid.querySelector("table"));
  }

  async function prepare() {
    const own = Object.getOwnPropertyDescriptor(window, "devicePixelRatio");
    const back = [() => { if (own) Object.defineProperty(window, "devicePixelRatio", own); else delete window.devicePixelRatio; }];
    undo = () => back.reverse().forEach((step) => step());
    Object.defineProperty(window, "devicePixelRatio", { configurable: true, get: () => SHARP });
    const grids = [...main().querySelectorAll('[data-testid="stDataFrame"]')].filter((grid) => grid.offsetParent);
    root.classList.add("crm-printing");
    back.push(() => root.classList.remove("crm-printing"));
    for (const added of filterWords()) back.push(() => added.remove());
    await pause(300); // charts and tables follow the new width
    for (const grid of grids) back.push(...await setDown(grid));
    // A card stays whole where it can. One that fills a page begins below what came before, and those beside it with it.
    for (const card of main().querySelectorAll('[class*="st-key-card_"]')) {
      if (card.offsetHeight < PAGE * 0.8) continue;
      const row = card.closest('[data-testid="stColumn"]') && card.closest('[data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"])');
      for (const long of row ? row.querySelectorAll('[class*="st-key-card_"]') : [card]) {
        long.classList.add("crm-long");
        back.push(() => long.classList.remove("crm-long"));
      }
    }
  }

  function restore() {
    // While the page is still being laid out, somebody else's print-out is not the end of ours.
    if (!undo || root.dataset.printReady === undefined) return;
    delete root.dataset.printReady;
    undo();
    undo = null;
  }

  const stack = (grid) => grid.querySelector(".dvn-stack");

  // A table is a canvas that scrolls: draw all of it, and lay its rows into a table that the printer may break.
  async function setDown(grid) {
    const frame = grid.querySelector('[data-testid="stDataFrameResizable"]');
    const [canvas, headings] = grid.querySelectorAll("canvas");
    const known = grid.querySelector("table"), scroller = grid.querySelector(".dvn-scroller");
    if (!frame || !headings || !known || !scroller) return [];
    const all = Number(known.getAttribute("aria-rowcount")) - 1;
    const rows = Math.min(all, MOST), head = headings.offsetHeight - 1;
    const height = all ? (stack(grid).offsetHeight - head) / all : 0;
    const before = frame.getAttribute("style"), top = scroller.scrollTop;
    const width = stack(grid).offsetWidth;
    const band = Math.min(rows, BAND);
    for (const [name, value] of [["width", width + 2], ["height", head + band * height + 3], ["max-width", width + 2]]) {
      frame.style.setProperty(name, value + "px", "important");
    }
    const copy = document.createElement("table");
    copy.className = "crm-set-down";
    copy.style.maxWidth = width + "px";
    const [thead, tbody] = [copy.createTHead(), copy.createTBody()];
    // The table draws itself anew some time after its frame has grown.
    for (let tries = 0; tries < 60; tries += 1) {
      const isDrawn = canvas.offsetWidth >= width && canvas.offsetHeight >= head + band * height && canvas.width >= width * SHARP;
      if (isDrawn) break;
      await pause(50);
    }
    const strip = (drawn, from, tall) => {
      const scale = drawn.width / drawn.offsetWidth;
      const part = document.createElement("canvas");
      part.width = Math.round(width * scale);
      part.height = Math.round(tall * scale);
      part.getContext("2d").drawImage(drawn, 0, Math.round(from * scale), part.width, part.height, 0, 0, part.width, part.height);
      const image = new Image();
      image.src = part.toDataURL();
      return image;
    };
    for (let first = 0; first === 0 || first < rows; first += band) {
      scroller.scrollTop = first * height;
      await pause(150);
      if (!first) thead.insertRow().insertCell().append(strip(headings, 0, head + 1));
      const shift = scroller.scrollTop;
      for (let row = first; row < Math.min(first + band, rows); row += 1) {
        tbody.insertRow().insertCell().append(strip(canvas, head + row * height - shift, height));
      }
      if (!band) break;
    }
    await Promise.all([...copy.querySelectorAll("img")].map((image) => image.decode().catch(() => {})));
    grid.after(copy);
    return [() => { copy.remove(); frame.setAttribute("style", before); scroller.scrollTop = top; }];
  }

  // What each filter is set to, once below the title and once in every card that has its own.
  function filterWords() {
    const places = new Map();
    const chosen = '[data-testid="stSelectbox"], [data-testid="stMultiSelect"], [data-testid="stTextInput"], '
      + '[data-testid="stDateInput"], [data-testid="stNumberInput"], [data-testid="stButtonGroup"], [data-testid="stCheckbox"]';
    for (const widget of main().querySelectorAll(chosen)) {
      if (!widget.offsetParent) continue;
      const words = said(widget);
      const place = widget.closest('[class*="st-key-card_"]:not([class*="st-key-card_head_"])') || main();
      if (words) places.set(place, [...(places.get(place) || []), words]);
    }
    return [...places].map(([place, words]) => {
      const line = document.createElement("p");
      line.className = "crm-filters";
      line.textContent = words.join(" · ");
      const head = place.querySelector(place === main() ? ".st-key-title_row" : '[class*="st-key-card_head_"]');
      if (head) head.parentElement.after(line);
      else place.prepend(line);
      return line;
    });
  }

  function said(widget) {
    const label = widget.querySelector('[data-testid="stWidgetLabel"]');
    const name = label ? label.textContent.trim() : "";
    if (widget.dataset.testid === "stCheckbox") return widget.querySelector("input[role=switch]:checked") ? name : "";
    const pressed = [...widget.querySelectorAll('button[aria-checked="true"], button[aria-pressed="true"], button[aria-selected="true"]')];
    const tags = [...widget.querySelectorAll('[data-testid="stMultiSelectTag"], [role="row"]')];
    const fields = [...widget.querySelectorAll("input")].map((field) => field.value);
    const values = (pressed.length ? pressed : tags).map((found) => found.textContent.trim());
    const value = (values.length ? values : fields).filter(Boolean).join("、");
    return value && `${name} ${value}`;
  }

  window.addEventListener("afterprint", restore);
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".st-key-print button")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    print();
  }, true);
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "p" || !document.querySelector(".st-key-print")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    print();
  }, true);
})();
