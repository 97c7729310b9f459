"use strict";
// Tables that are sorted, filtered and expanded by mouse or keyboard; files that are saved.

const data = JSON.parse(document.getElementById("data").textContent);
const { texts, numbers } = data;
const text = (key, values = {}) =>
  Object.entries(values).reduce((whole, [name, value]) => whole.replace(`{${name}}`, () => value), texts[key] || key);

// "sut" matches Süt, and "içecek" matches İçecek.
const fold = (word) => word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/ı/g, "i");

function number(value, digits = 0) {
  const [whole, cents] = Math.abs(value).toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, numbers.group);
  const shown = cents === undefined ? grouped : grouped + numbers.decimal + cents;
  return (value < 0 && /[1-9]/.test(shown) ? "−" : "") + shown;
}
const percent = (value, digits, sign = "") => numbers.percent.replace("#", () => sign + number(100 * value, digits));
const share = (value) => percent(value, Math.abs(value) > 0 && Math.abs(value) < 0.00995 ? 2 : 1);
const money = (value) =>
  numbers.currency ? numbers.money.replace("#", () => number(value, 2)).replace("¤", () => numbers.currency) : number(value, 2);
const signed = (value, digits) => (value > 0 && /[1-9]/.test(value.toFixed(digits)) ? "+" : "");

const SHOWN = {
  text: (value) => value,
  count: (value) => number(value),
  share,
  range: (value) => `${share(value[0])} – ${share(value[1])}`,
  points: (value) => `${signed(100 * value, 1)}${number(100 * value, 1)}`,
  change: (value) => percent(value, 0, signed(100 * value, 0)),
  price: money,
  factor: (value) => `${number(value, 1)}×`,
  badge: (value) => text(`code.${value}`),
  code: (value) => text(`code.${value}`),
  more_count: (value) => `${signed(value, 0)}${number(value)}`,
  flag: (value) => (value ? text("js.yes") : ""),
};

const DOTS = { "almost certain": "●●● ", likely: "●●○ ", uncertain: "●○○ " };

function element(tag, className, content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
}

class Grid {
  constructor(place, table) {
    this.place = place;
    this.table = table;
    this.limit = table.limit;
    this.order = null;
    this.open = new Set();
    this.matching = null;
    this.folded = [];
    this.isCompact = place.classList.contains("compact");
    if (table.parent !== null) {
      this.below = new Map();
      table.rows.forEach((row, number) => {
        const parent = row[table.parent];
        if (!this.below.has(parent)) this.below.set(parent, []);
        this.below.get(parent).push(number);
      });
    }
    this.build();
    this.draw();
  }

  build() {
    this.scroll = element("div", "scroll");
    this.scroll.setAttribute("role", "region");
    this.scroll.setAttribute("aria-label", this.place.dataset.caption);
    this.scroll.tabIndex = 0;
    const table = element("table");
    if (!this.isCompact) table.append(element("caption", "", this.table.caption));
    else table.setAttribute("aria-label", this.table.caption);
    const row = table.createTHead().insertRow();
    this.table.columns.forEach((column, at) => {
      const cell = element("th", `${column.kind}${column.wide ? " wide" : ""}`);
      cell.scope = "col";
      if (column.sortable && this.table.rows.length > 1) {
        const button = element("button", "", column.label);
        button.type = "button";
        button.addEventListener("click", () => this.sort(at, cell));
        cell.append(button);
      } else cell.textContent = column.label;
      row.append(cell);
    });
    this.body = table.createTBody();
    this.scroll.append(table);
    this.rest = element("button", "rest");
    this.rest.type = "button";
    this.rest.addEventListener("click", () => {
      this.limit = this.limit === this.table.limit ? 500 : this.limit + 1000;
      this.draw();
      if (this.rest.hidden) this.scroll.focus(); // so that the keyboard goes on from here
    });
    this.nothing = element("p", "empty");
    this.place.append(this.scroll, this.nothing, this.rest);
  }

  sort(at, cell) {
    const text = this.table.columns[at].kind === "text";
    const descending = this.order && this.order.at === at ? !this.order.descending : !text;
    this.order = { at, descending };
    for (const other of cell.parentNode.children) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    this.draw();
  }

  ordered(numbers) {
    if (!this.order) return numbers;
    const column = this.table.columns[this.order.at];
    const sign = this.order.descending ? -1 : 1;
    return [...numbers].sort((one, other) => {
      const a = this.table.rows[one][column.at];
      const b = this.table.rows[other][column.at];
      if (a === null || b === null) return (a === null) - (b === null); // unknown values come last
      return sign * (typeof a === "string" ? a.localeCompare(b) : (Array.isArray(a) ? a[0] - b[0] : a - b));
    });
  }

  above(number) {
    return this.below ? this.table.rows[number][this.table.parent] : -1;
  }

  department(number) {
    while (this.above(number) >= 0) number = this.above(number);
    return this.table.rows[number][this.table.filters.department];
  }

  // What the search looks through: in a tree, the words of the rows above a row belong to it too.
  words(number) {
    if (this.folded[number] === undefined) {
      const row = this.table.rows[number];
      const texts = fold(this.table.filters.words.map((at) => row[at] || "").join(" "));
      this.folded[number] = this.above(number) >= 0 ? `${this.words(this.above(number))} ${texts}` : texts;
    }
    return this.folded[number];
  }

  // Returns the number of matching rows, or null if no filter concerns this table.
  filter(wanted) {
    const { filters, rows } = this.table;
    const tests = [];
    if (wanted.department && filters.department !== null) tests.push((row, number) => this.department(number) === wanted.department);
    if (wanted.brand && filters.brand !== null) tests.push((row) => row[filters.brand] !== null && fold(row[filters.brand]).includes(wanted.brand));
    if (wanted.low !== null && filters.price !== null) tests.push((row) => row[filters.price] !== null && row[filters.price] >= wanted.low);
    if (wanted.high !== null && filters.price !== null) tests.push((row) => row[filters.price] !== null && row[filters.price] <= wanted.high);
    if (wanted.words && filters.words.length) {
      tests.push((row, number) => wanted.words.every((word) => this.words(number).includes(word)));
    }
    this.limit = this.table.limit;
    if (!tests.length) {
      this.matching = null;
      this.draw();
      return null;
    }
    this.matching = new Set();
    rows.forEach((row, number) => {
      if (tests.every((test) => test(row, number))) this.matching.add(number);
    });
    const matches = this.matching.size;
    if (this.below) {
      for (const number of [...this.matching]) {
        for (let at = this.above(number); at >= 0; at = this.above(at)) this.matching.add(at);
      }
    }
    this.draw();
    return matches;
  }

  *visible(parent, level) {
    const numbers = this.below ? this.below.get(parent) || [] : this.table.rows.keys();
    const kept = this.matching ? [...numbers].filter((number) => this.matching.has(number)) : [...numbers];
    for (const number of this.ordered(kept)) {
      yield [number, level];
      if (this.below && (this.matching || this.open.has(number))) yield* this.visible(number, level + 1);
    }
  }

  draw() {
    this.body.replaceChildren();
    let shown = 0;
    let tops = 0;
    let total = 0;
    for (const [number, level] of this.visible(-1, 0)) {
      total += 1;
      if (level === 0) tops += 1;
      if (this.below ? tops > this.limit || shown >= 1500 : shown >= this.limit) continue;
      this.body.append(this.row(number, level));
      shown += 1;
    }
    this.scroll.hidden = total === 0;
    this.nothing.hidden = total > 0;
    this.nothing.textContent = this.matching ? text("js.nothing") : this.table.empty;
    this.rest.hidden = shown >= total;
    this.rest.textContent = text("js.more", { count: number(total) });
  }

  row(number, level) {
    const values = this.table.rows[number];
    const row = element("tr", this.below && level === 0 ? "top-level" : "");
    this.table.columns.forEach((column, at) => {
      const cell = element(at === 0 ? "th" : "td", `${column.kind}${column.wide ? " wide" : ""}`);
      if (at === 0) {
        cell.scope = "row";
        if (this.below) {
          cell.style.paddingLeft = `${0.4 + level * 0.9}rem`;
          cell.append(this.mark(number));
        }
      }
      this.fill(cell, column, values);
      row.append(cell);
    });
    return row;
  }

  mark(number) {
    if (!this.below.has(number)) return element("span", "mark", "");
    const isOpen = Boolean(this.matching) || this.open.has(number);
    const button = element("button", "mark", isOpen ? "▾" : "▸");
    button.type = "button";
    button.setAttribute("aria-expanded", isOpen);
    button.setAttribute("aria-label", this.table.rows[number][this.table.columns[0].at]);
    button.addEventListener("click", () => {
      if (this.open.has(number)) this.open.delete(number);
      else this.open.add(number);
      this.draw();
      const again = [...this.body.querySelectorAll("button.mark")].find((other) => other.dataset.row === String(number));
      if (again) again.focus();
    });
    button.dataset.row = number;
    return button;
  }

  fill(cell, column, values) {
    const value = values[column.at];
    if (value === null || value === undefined) cell.append(element("span", "quiet", "–"));
    else if (["points", "change", "more_count"].includes(column.kind)) {
      const shown = SHOWN[column.kind](value);
      const isDoubtful = column.doubt !== null && values[column.doubt] === "uncertain";
      const side = !/[1-9]/.test(shown) || isDoubtful ? "" : value > 0 ? "more" : "less";
      if (side) cell.classList.add(side);
      const mark = side === "more" ? "▲ " : side === "less" ? "▼ " : "";
      cell.append(element("span", `nowrap ${side}`, mark + shown));
    } else if (column.kind === "badge") {
      const dots = element("span", "dots", DOTS[value] || "");
      dots.setAttribute("aria-hidden", "true");
      cell.append(dots, element("span", value === "almost certain" ? "" : "quiet", SHOWN.badge(value)));
    } else if (column.kind === "bar") {
      const meter = element("span", "meter");
      const bar = element("i");
      bar.style.width = `${value}%`;
      meter.append(bar);
      cell.append(meter, ` ${number(value)}`);
    } else if (column.kind === "bands") {
      const stack = element("span", "stack");
      stack.setAttribute("aria-hidden", "true");
      for (const part of value) {
        const bar = element("i");
        bar.style.width = `${100 * part}%`;
        stack.append(bar);
      }
      cell.append(stack, element("span", "small", value.map((part) => percent(part, 0)).join(" · ")));
    } else {
      const unit = column.unit !== null && values[column.unit] ? ` / ${text(`unit.${values[column.unit]}`)}` : "";
      const isText = column.kind === "text";
      cell.append(element("span", isText ? "" : "nowrap", SHOWN[column.kind](value) + unit));
    }
    if (column.small && values[column.small[0]] !== null && values[column.small[0]] !== undefined) {
      const [at, kind] = column.small;
      const dots = kind === "badge" ? DOTS[values[at]] || "" : "";
      cell.append(element("span", "small", dots + SHOWN[kind](values[at])));
    }
  }
}

function save(button) {
  const bytes = Uint8Array.from(atob(data.files[button.dataset.file]), (letter) => letter.charCodeAt(0));
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = button.dataset.name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function start() {
  const grids = [];
  for (const place of document.querySelectorAll("[data-table]")) grids.push(new Grid(place, data.tables[place.dataset.table]));
  for (const button of document.querySelectorAll("[data-file]")) button.addEventListener("click", () => save(button));
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    link.addEventListener("click", () => {
      const target = document.getElementById(link.getAttribute("href").slice(1));
      const closed = target && target.querySelector(":scope > details");
      if (closed) closed.open = true;
    });
  }
  const subject = document.getElementById("subject");
  if (subject) {
    subject.addEventListener("change", () => {
      for (const part of document.querySelectorAll("[data-group]")) part.hidden = part.dataset.group !== subject.value;
    });
  }
  const at = (id) => document.getElementById(id);
  const read = (id) => (at(id) ? at(id).value.trim() : "");
  const amount = (id) => {
    const plain = read(id).replace(",", ".");
    return plain === "" || Number.isNaN(Number(plain)) ? null : Number(plain);
  };
  const apply = () => {
    const wanted = {
      words: fold(read("f-words")).split(/\s+/).filter(Boolean),
      department: read("f-department"),
      brand: fold(read("f-brand")),
      low: amount("f-low"),
      high: amount("f-high"),
    };
    if (!wanted.words.length) wanted.words = null;
    let shown = 0;
    let filtered = false;
    for (const grid of grids) {
      const matches = grid.filter(wanted);
      const entry = grid.place.closest(".entries > li");
      if (entry) entry.hidden = matches === 0;
      if (matches === null) continue;
      filtered = true;
      shown += matches;
    }
    at("f-status").textContent = filtered ? text("js.matches", { count: number(shown) }) : "";
  };
  if (at("filters")) {
    let timer;
    at("filters").addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(apply, 150);
    });
    at("f-clear").addEventListener("click", () => {
      for (const input of at("filters").querySelectorAll("input, select")) input.value = "";
      apply();
    });
  }
  document.documentElement.dataset.ready = "yes";
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
