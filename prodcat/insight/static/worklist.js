"use strict";
// A list of labels that are probably wrong, of which the reader accepts or rejects each suggestion.
// Decisions are kept in this browser, and downloaded as tables that read_catalog() reads.

const FORMULA = /(^|[;|\t\r\n])(?='*(?:[^\S\t\r\n]|["\ufeff]){0,99}[=+\-@\t\r\n＝＋－＠])/g;
const NUMBER = /^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$/;

// What a spreadsheet would run as a formula gets an apostrophe, as in prodcat's other CSV files.
function spreadsheetCell(value) {
  const cell = String(value);
  const safe = NUMBER.test(cell) ? cell : cell.replace(FORMULA, "$1'");
  return `"${safe.replaceAll('"', '""')}"`;
}

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function download(name, kind, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: kind }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

class Worklist {
  // data: {key, names, kept, rows, titles, labels, suggestions, p, s, flags, nodes, ids, lines}
  constructor(place, data) {
    this.place = place;
    this.data = data;
    this.size = 50; // rows of a page
    this.at = 0; // the first row that is shown, in this.matching
    this.current = 0; // the row that the keyboard is in, in this.matching
    this.stored = true;
    this.decisions = this.load();
    this.folded = data.rows.map((_, row) => fold(this.texts(row).join("\n")));
    this.controls();
    this.filter();
    window.addEventListener("storage", (event) => {
      if (event.key !== data.key) return;
      this.decisions = this.load();
      this.draw();
    });
    window.addEventListener("beforeprint", () => this.draw(5000));
    window.addEventListener("afterprint", () => this.draw());
  }

  texts(row) {
    const { rows, kept, titles, lines, labels, suggestions } = this.data;
    const shown = kept.map((values) => values[row]);
    return [String(rows[row]), ...shown, titles[row], lines[labels[row]], lines[suggestions[row]]];
  }

  load() {
    try {
      return JSON.parse(localStorage.getItem(this.data.key)) || {};
    } catch {
      this.stored = false;
      return {};
    }
  }

  save() {
    try {
      localStorage.setItem(this.data.key, JSON.stringify(this.decisions));
    } catch {
      this.stored = false;
    }
  }

  controls() {
    const { data } = this;
    const departments = new Map();
    for (const label of data.labels) {
      const name = data.nodes[label][0];
      departments.set(name, (departments.get(name) || 0) + 1);
    }
    const options = [...departments].sort((one, other) => other[1] - one[1]);
    this.department = element("select", {}, element("option", { value: "" }, text("page.all")));
    for (const [name, count] of options) {
      this.department.append(element("option", { value: name }, `${name} (${number(count, 0)})`));
    }
    this.state = element("select", {});
    const states = [
      ["", text("page.all")],
      ["clear", text("audit.head.clear")],
      ["open", text("list.open")],
      ["accept", text("list.accepted")],
      ["reject", text("list.rejected")],
    ];
    for (const [value, name] of states) this.state.append(element("option", { value }, name));
    this.search = element("input", { type: "search", placeholder: text("list.placeholder") });
    this.count = element("span", { role: "status", class: "quiet" });
    this.note = element("p", { class: "quiet" });
    let timer;
    this.search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.filter(), 120);
    });
    for (const box of [this.department, this.state]) {
      box.addEventListener("change", () => this.filter());
    }
    this.before = this.button(text("list.previous"), () => this.turn(-1));
    this.after = this.button(text("list.next"), () => this.turn(1));
    this.csv = this.button(text("list.csv"), () => this.export("csv"));
    this.lines = this.button(text("list.jsonl"), () => this.export("jsonl"));
    this.table = element("table", { class: "stacked", role: "table" });
    this.table.addEventListener("keydown", (event) => this.pressed(event));
    this.table.addEventListener("focusin", (event) => this.focused(event));
    this.place.append(
      element(
        "div",
        { class: "controls" },
        element("label", {}, text("list.department"), this.department),
        element("label", {}, text("page.show"), this.state),
        element("label", {}, text("list.search"), this.search),
      ),
      element("div", { class: "bar-of-buttons" }, this.before, this.after, this.count),
      element("div", { class: "scroll" }, this.table),
      element("div", { class: "bar-of-buttons" }, this.csv, this.lines),
      this.note,
    );
  }

  button(name, action) {
    const made = element("button", { type: "button", class: "plain" }, name);
    made.addEventListener("click", action);
    return made;
  }

  filter() {
    const { data } = this;
    const query = fold(this.search.value.trim());
    const [department, state] = [this.department.value, this.state.value];
    this.matching = [];
    for (let row = 0; row < data.rows.length; row += 1) {
      if (query && !this.folded[row].includes(query)) continue;
      if (department && data.nodes[data.labels[row]][0] !== department) continue;
      if (state === "clear" && !(data.flags[row] & 1)) continue;
      const decision = this.decisions[row];
      if (state === "open" && decision) continue;
      if ((state === "accept" || state === "reject") && decision !== state) continue;
      this.matching.push(row);
    }
    this.at = 0;
    this.current = 0;
    this.draw();
  }

  turn(pages) {
    this.at = Math.max(0, this.at + pages * this.size);
    this.current = this.at;
    this.draw();
    this.place.scrollIntoView();
    this.focus();
  }

  draw(most = this.size) {
    const { data } = this;
    const end = Math.min(this.at + most, this.matching.length);
    const ends = [text("list.title"), text("list.paths"), text("list.sure"), text("list.decision")];
    const headings = [text("list.row"), ...data.names, ...ends];
    const head = element("tr", { role: "row" });
    headings.forEach((name, column) => {
      const kind = column === 0 || column === headings.length - 2 ? "count" : "text";
      head.append(element("th", { scope: "col", role: "columnheader", class: kind }, name));
    });
    const body = element("tbody", { role: "rowgroup" });
    for (let place = this.at; place < end; place += 1) body.append(this.row(place));
    const caption = element("caption", {}, text("list.caption"));
    this.table.replaceChildren(caption, element("thead", { role: "rowgroup" }, head), body);
    this.before.disabled = this.at === 0;
    this.after.disabled = end >= this.matching.length;
    const from = this.matching.length ? this.at + 1 : 0;
    this.told = text("list.range", {
      low: number(from, 0),
      high: number(end, 0),
      count: number(this.matching.length, 0),
    });
    this.tell();
  }

  tell() {
    const made = Object.values(this.decisions);
    const accepted = made.filter((decision) => decision === "accept").length;
    const counts = { accepted: number(accepted, 0), rejected: number(made.length - accepted, 0) };
    this.count.textContent = `${this.told}; ${text("list.decided", counts)}`;
    for (const button of [this.csv, this.lines]) button.disabled = made.length === 0;
    this.note.textContent = text(this.stored ? "list.kept" : "list.not.kept");
  }

  row(place) {
    const { data } = this;
    const row = this.matching[place];
    const decision = this.decisions[row];
    const made = element("tr", { role: "row", "data-place": place });
    if (decision) made.className = "decided";
    const cell = (heading, kind, ...children) =>
      made.append(element("td", { role: "cell", class: kind, "data-heading": heading }, ...children));
    cell(text("list.row"), "count", number(data.rows[row], 0));
    data.names.forEach((name, column) => cell(name, "text kept", data.kept[column][row]));
    const flags = [];
    if (!(data.flags[row] & 2)) flags.push(text("list.alone"));
    if (data.flags[row] & 4) flags.push(text("list.conflict"));
    cell(
      text("list.title"),
      "text title",
      element("span", {}, data.titles[row], ...flags.map((flag) => element("span", { class: "flag" }, flag))),
    );
    cell(text("list.paths"), "text paths", this.paths(row));
    const sure = element("div", {});
    sure.append(element("div", {}, `→ ${share(data.s[row])}`), element("div", {}, `${text("list.is")} ${share(data.p[row])}`));
    cell(text("list.sure"), "share sure", sure);
    const buttons = [
      ["accept", text("list.accept"), "plain"],
      ["reject", text("list.reject"), "plain keep"],
    ].map(([kind, name, style]) =>
      element(
        "button",
        {
          type: "button",
          class: style,
          "data-kind": kind,
          "aria-pressed": decision === kind,
          "aria-label": `${name}: ${data.titles[row]}`,
          tabindex: place === this.current ? 0 : -1,
        },
        name,
      ),
    );
    for (const button of buttons) {
      button.addEventListener("click", () => this.decide(place, button.dataset.kind));
    }
    cell(text("list.decision"), "decision", ...buttons);
    return made;
  }

  paths(row) {
    const { nodes, labels, suggestions } = this.data;
    const [label, suggestion] = [nodes[labels[row]], nodes[suggestions[row]]];
    let shared = 0;
    while (shared < label.length && label[shared] === suggestion[shared]) shared += 1;
    const line = (path, mark, what) => {
      const [common, rest] = [path.slice(0, shared), path.slice(shared)].map((part) => part.join(" > "));
      const start = common && rest ? `${common} > ` : common;
      const sign = element("span", { class: "mark-of", role: "img", "aria-label": what }, mark);
      return element("div", {}, sign, start, element("strong", {}, rest));
    };
    return element("div", {}, line(label, text("list.is"), text("list.label")), line(suggestion, "→", text("list.suggestion")));
  }

  decide(place, kind) {
    const row = this.matching[place];
    if (!kind || this.decisions[row] === kind) delete this.decisions[row];
    else this.decisions[row] = kind;
    this.save();
    const shown = this.table.querySelector(`tr[data-place="${place}"]`);
    const had = shown.contains(document.activeElement) ? document.activeElement.dataset.kind : null;
    shown.replaceWith(this.row(place));
    this.tell();
    if (had) this.focus(had);
  }

  focused(event) {
    const row = event.target.closest("tr[data-place]");
    if (!row) return;
    for (const button of this.table.querySelectorAll("button")) button.tabIndex = -1;
    this.current = Number(row.dataset.place);
    for (const button of row.querySelectorAll("button")) button.tabIndex = 0;
  }

  focus(kind = "accept") {
    const row = this.table.querySelector(`tr[data-place="${this.current}"]`);
    if (!row) return;
    row.querySelector(`button[data-kind="${kind}"]`).focus();
  }

  move(steps, kind) {
    const target = this.current + steps;
    if (target < 0 || target >= this.matching.length) return;
    this.current = target;
    if (target < this.at || target >= this.at + this.size) {
      this.at = Math.floor(target / this.size) * this.size;
      this.draw();
    }
    this.focus(kind);
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const kind = event.target.dataset.kind;
    const decided = (decision) => {
      if (this.decisions[this.matching[this.current]] !== decision) {
        this.decide(this.current, decision);
      }
      this.move(1, kind);
    };
    const keys = {
      ArrowDown: () => this.move(1, kind),
      ArrowUp: () => this.move(-1, kind),
      ArrowLeft: () => this.focus("accept"),
      ArrowRight: () => this.focus("reject"),
      a: () => decided("accept"),
      r: () => decided("reject"),
      u: () => this.decide(this.current, null),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  }

  decided() {
    const { data } = this;
    const made = [];
    for (let row = 0; row < data.rows.length; row += 1) {
      const decision = this.decisions[row];
      if (!decision) continue;
      const node = decision === "accept" ? data.suggestions[row] : data.labels[row];
      made.push([row, decision, node]);
    }
    return made;
  }

  export(form) {
    const { data } = this;
    if (form === "csv") {
      const { row_number, title, path, decision, label, suggestion } = data.exported;
      const header = [row_number, ...data.names, title, path, decision, label, suggestion];
      const rows = this.decided().map(([row, made, node]) => [
        data.rows[row],
        ...data.kept.map((values) => values[row]),
        data.titles[row],
        data.lines[node],
        made,
        data.lines[data.labels[row]],
        data.lines[data.suggestions[row]],
      ]);
      const csv = [header, ...rows].map((row) => row.map(spreadsheetCell).join(",")).join("\r\n");
      download("decided.csv", "text/csv", `\ufeff${csv}\r\n`);
      return;
    }
    const lines = this.decided().map(([row, made, node]) => {
      const kept = data.names.map((name, column) => [name, data.kept[column][row]]);
      const values = [
        ["row_number", data.rows[row]],
        ["title", data.titles[row]],
        ["path", data.nodes[node]],
        ["path_ids", data.ids[node]],
        ["decision", made],
      ].map(([name, value]) => [data.exported[name] || name, value]);
      return `${JSON.stringify(Object.fromEntries([...kept, ...values]))}\n`;
    });
    download("decided.jsonl", "application/x-ndjson", lines.join(""));
  }
}
