"use strict";
// Trees as tables, to be expanded, filtered and sorted with the mouse, the keyboard or a screen
// reader; charts drawn by Plotly.

const { texts, numbers } = JSON.parse(document.getElementById("page").textContent);
const text = (key, values = {}) =>
  Object.entries(values).reduce((whole, [name, value]) => whole.replace(`{${name}}`, () => value), texts[key]);

function number(value, digits) {
  const [whole, cents] = Math.abs(value).toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, numbers.group);
  const shown = cents === undefined ? grouped : grouped + numbers.decimal + cents;
  return (value < 0 && /[1-9]/.test(shown) ? numbers.minus : "") + shown;
}
const percent = (value) => numbers.percent.replace("#", () => number(100 * value, 1));

// "sut" matches Süt, and "içecek" matches İçecek.
const fold = (word) =>
  word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/ı/g, "i");

const share = (value) => {
  if (value > 0 && value < 0.0005) return `< ${percent(0.001)}`;
  if (value < 1 && value > 0.9995) return `> ${percent(0.999)}`;
  return percent(value);
};

const signed = (value) => {
  const shown = number(value, 1);
  return shown.startsWith(numbers.minus) ? shown : `+${shown}`;
};

const FORMATS = {
  text: (value) => value,
  count: (value) => number(value, 0),
  share,
  bar: share,
  points: (value) => text("script.points", { n: signed(100 * value) }),
  figure: (value) => number(value, 2),
  price: (value) => number(value, 2),
  interval: ([low, high]) => text("script.range", { low: number(100 * low, 1), high: number(100 * high, 1) }),
};

function shown(kind, value) {
  if (value === null || value === undefined) return "–";
  return FORMATS[kind](value);
}

class Tree {
  // data: {label, columns: [{label, kind, colour?}], names, parents, cells: [[per column]]}
  constructor(table, data) {
    this.table = table;
    this.data = data;
    this.children = new Map();
    data.parents.forEach((parent, node) => {
      if (!this.children.has(parent)) this.children.set(parent, []);
      this.children.get(parent).push(node);
    });
    this.open = new Set();
    this.kept = null; // nodes that pass the filter, and their ancestors
    const sorted = typeof data.sort === "number";
    this.order = sorted ? [data.sort, true] : null; // [column, descending]
    this.focused = null;
    this.most = 500; // rows shown of one level, and matches shown of a filter
    table.setAttribute("role", "treegrid");
    table.setAttribute("aria-label", data.label);
    this.head();
    this.body = table.createTBody();
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.body.addEventListener("keydown", (event) => this.pressed(event));
    for (const node of data.open || []) this.open.add(node);
    this.draw();
  }

  head() {
    const row = this.table.createTHead().insertRow();
    row.setAttribute("role", "row");
    [text("head.category"), ...this.data.columns.map((column) => column.label)].forEach((label, place) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.setAttribute("role", "columnheader");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", () => this.sort(place - 1, cell));
      cell.append(button);
      if (place && this.data.columns[place - 1].extra) cell.classList.add("extra");
      if (this.order && this.order[0] === place - 1) cell.setAttribute("aria-sort", "descending");
      row.append(cell);
    });
  }

  sort(column, cell) {
    const descending = this.order && this.order[0] === column ? !this.order[1] : column >= 0;
    this.order = [column, descending];
    for (const other of cell.parentNode.children) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    this.draw();
  }

  key(node, column) {
    if (column < 0) return this.data.names[node];
    const value = this.data.cells[node][column];
    return Array.isArray(value) ? value[0] : value;
  }

  ordered(nodes) {
    if (!this.order) return nodes;
    const [column, descending] = this.order;
    const sign = descending ? -1 : 1;
    return [...nodes].sort((one, other) => {
      const a = this.key(one, column);
      const b = this.key(other, column);
      if (a === null || a === undefined) return 1; // unknown values come last
      if (b === null || b === undefined) return -1;
      return sign * (typeof a === "string" ? a.localeCompare(b, document.documentElement.lang) : a - b);
    });
  }

  filter(words, test) {
    const query = fold(words.trim());
    this.folded = this.folded || this.data.names.map(fold);
    this.kept = null;
    this.matches = null;
    if (query || test) {
      this.kept = new Set();
      this.matches = 0;
      this.data.names.forEach((_, node) => {
        if (query && !this.folded[node].includes(query)) return;
        if (test && !test(this.data.cells[node], node)) return;
        this.matches += 1;
        if (this.matches > this.most) return;
        for (let at = node; at >= 0; at = this.data.parents[at]) this.kept.add(at);
      });
    }
    this.draw();
    return this.matches;
  }

  below(node) {
    const children = this.children.get(node) || [];
    return this.kept ? children.filter((child) => this.kept.has(child)) : children;
  }

  isOpen(node) {
    return this.kept ? this.below(node).length > 0 : this.open.has(node);
  }

  draw() {
    this.body.replaceChildren();
    this.rows = new Map();
    this.add(-1, 1);
    const visible = [...this.body.rows].filter((row) => row.dataset.node);
    if (!visible.some((row) => Number(row.dataset.node) === this.focused)) {
      this.focused = visible.length ? Number(visible[0].dataset.node) : null;
    }
    if (this.focused !== null) this.rows.get(this.focused).tabIndex = 0;
  }

  add(parent, level) {
    const nodes = this.ordered(this.below(parent));
    nodes.slice(0, this.most).forEach((node, place) => {
      this.body.append(this.row(node, level, place + 1, nodes.length));
      if (this.isOpen(node)) this.add(node, level + 1);
    });
    if (nodes.length > this.most) {
      const row = this.body.insertRow();
      row.setAttribute("role", "row");
      const cell = row.insertCell();
      cell.setAttribute("role", "gridcell");
      cell.colSpan = 1 + this.data.columns.length;
      cell.textContent = text("script.more", { count: number(nodes.length - this.most, 0) });
    }
  }

  row(node, level, place, size) {
    const row = document.createElement("tr");
    row.setAttribute("role", "row");
    row.dataset.node = node;
    row.tabIndex = -1;
    row.setAttribute("aria-level", level);
    row.setAttribute("aria-posinset", place);
    row.setAttribute("aria-setsize", size);
    const inner = (this.children.get(node) || []).length > 0;
    if (inner) row.setAttribute("aria-expanded", this.isOpen(node));
    const name = document.createElement("td");
    name.setAttribute("role", "gridcell");
    name.className = "name";
    name.style.setProperty("--level", level - 1);
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.setAttribute("aria-hidden", "true");
    mark.textContent = inner ? (this.isOpen(node) ? "▾" : "▸") : "";
    name.append(mark, this.data.names[node]);
    row.append(name);
    this.data.columns.forEach((column, at) => {
      const cell = document.createElement("td");
      cell.setAttribute("role", "gridcell");
      cell.className = column.extra ? `${column.kind} extra` : column.kind;
      const value = this.data.cells[node][at];
      cell.textContent = shown(column.kind, value);
      if (column.colour && typeof value === "number") {
        cell.classList.add("coloured");
        const middle = column.middle === undefined ? 0.5 : column.middle;
        const room = value < middle ? middle : 1 - middle;
        cell.style.setProperty("--side", value < middle ? "var(--less-tint)" : "var(--more-tint)");
        cell.style.setProperty("--strength", room > 0 ? Math.abs(value - middle) / room : 0);
      }
      row.append(cell);
    });
    this.rows.set(node, row);
    return row;
  }

  toggle(node, open) {
    if (!(this.children.get(node) || []).length || this.kept) return;
    if (open === undefined) open = !this.open.has(node);
    if (open) this.open.add(node);
    else this.open.delete(node);
    this.focused = node;
    this.draw();
    this.rows.get(node).focus();
  }

  focus(row) {
    if (!row || !row.dataset.node) return;
    for (const other of this.rows.values()) other.tabIndex = -1;
    this.focused = Number(row.dataset.node);
    row.tabIndex = 0;
    row.focus();
  }

  clicked(event) {
    const row = event.target.closest("tr");
    if (!row || !row.dataset.node) return;
    this.focus(row);
    this.toggle(Number(row.dataset.node));
    this.table.dispatchEvent(new CustomEvent("chosen", { detail: Number(row.dataset.node) }));
  }

  pressed(event) {
    const row = event.target.closest("tr");
    if (!row || !row.dataset.node) return;
    const node = Number(row.dataset.node);
    const visible = [...this.body.rows].filter((shown) => shown.dataset.node);
    const moves = {
      ArrowDown: () => this.focus(row.nextElementSibling),
      ArrowUp: () => this.focus(row.previousElementSibling),
      Home: () => this.focus(visible[0]),
      End: () => this.focus(visible[visible.length - 1]),
      ArrowRight: () => (this.isOpen(node) ? this.focus(row.nextElementSibling) : this.toggle(node, true)),
      ArrowLeft: () =>
        this.isOpen(node) && !this.kept
          ? this.toggle(node, false)
          : this.focus(this.rows.get(this.data.parents[node])),
      Enter: () => this.clicked(event),
      " ": () => this.clicked(event),
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  }
}

function draw(place, figure) {
  const colours = getComputedStyle(document.documentElement);
  const [ink, line] = ["--ink", "--line"].map((name) => colours.getPropertyValue(name).trim());
  const layout = {
    ...figure.layout,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, sans-serif" },
    margin: { t: 30, r: 10, b: 45, l: 55, ...(figure.layout.margin || {}) },
  };
  for (const axis of ["xaxis", "yaxis"]) {
    if (layout[axis]) layout[axis] = { ...layout[axis], gridcolor: line, zerolinecolor: line };
  }
  Plotly.react(place, figure.data, layout, { responsive: true, displayModeBar: false });
}

const trees = {};

function start() {
  for (const holder of document.querySelectorAll("script.tree-data")) {
    const table = document.getElementById(holder.dataset.table);
    const tree = new Tree(table, JSON.parse(holder.textContent));
    trees[table.id] = tree;
    const box = document.querySelector(`input[data-filters="${table.id}"]`);
    const only = document.querySelector(`select[data-filters="${table.id}"]`);
    const status = document.querySelector(`[data-status-of="${table.id}"]`);
    if (!box) continue;
    const apply = () => {
      const column = only && only.value !== "" ? Number(only.value) : null;
      const test = column === null ? null : (cells) => Boolean(cells[column]);
      const matches = tree.filter(box.value, test);
      const counts = { count: number(matches || 0, 0), most: number(tree.most, 0) };
      const key = matches > tree.most ? "script.matches.cut" : "script.matches";
      status.textContent = matches === null ? "" : text(key, counts);
    };
    let timer;
    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(apply, 120);
    });
    if (only) only.addEventListener("change", apply);
  }
  for (const holder of document.querySelectorAll("script.worklist-data")) {
    new Worklist(document.getElementById(holder.dataset.place), JSON.parse(holder.textContent));
  }
  const figures = [...document.querySelectorAll("script.figure")].map((holder) => [
    document.getElementById(holder.dataset.place),
    JSON.parse(holder.textContent),
  ]);
  const all = () => {
    for (const [place, figure] of figures) draw(place, figure);
  };
  all();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  document.documentElement.dataset.ready = "yes";
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
