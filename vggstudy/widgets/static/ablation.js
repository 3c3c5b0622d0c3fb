// A heat map of errors, a row a net and a column a set of test scales (`rows`), and one protocol beside the paper's.
function render({ model, el }) {
  const root = frame(model, el, "ablation");
  const controls = node("div", root, { className: "vgg-controls" });
  menu(model, controls, "view", { label: "View", options: model.get("views").map((view) => [view, view]) });
  const names = ["Top-1 error", "Top-5 error"];
  menu(model, controls, "measure", { label: "Colours and numbers", options: names.map((name, i) => [i, `${name}, %`]) });
  const rows = model.get("rows"), columns = model.get("columns");

  const caption = node("p", root, { className: "vgg-said vgg-heat-caption" });
  const table = node("table", node("div", root, { className: "vgg-heat" }));
  const head = node("tr", node("thead", table));
  for (const text of ["Net, S", ...columns.map((Q) => `Q = ${Q}`)]) node("th", head, { textContent: text, scope: "col" });
  const body = node("tbody", table);
  const buttons = rows.map(({ config, S, net }, r) => {
    const row = node("tr", body), name = node("th", row, { scope: "row" });
    name.style.setProperty("--column", `var(--vgg-${config.toLowerCase()})`);
    node("b", name, { textContent: config });
    node("span", name, { textContent: S });
    return columns.map((_, c) => {
      const button = field("button", node("td", row), { type: "button" });
      button.addEventListener("focus", () => select(net, c));
      button.addEventListener("click", () => select(net, c));
      button.addEventListener("keydown", (event) => move(event, r, c));
      return button;
    });
  });
  const said = node("div", root, { className: "vgg-ablation-detail" });
  said.setAttribute("role", "status");
  const numbers = dataTable(root, "All protocols of this net as a table", ["View, Q", "Top-1, %", "95%", "Top-5, %", "95%", "MACs an image", "The paper’s top-1, %", "top-5, %"]);

  const chosenRow = () => rows.findIndex(({ net }) => net === model.get("net"));
  function select(net, column) {
    model.set({ net, column });
    model.save_changes();
  }
  function move(event, r, c) {
    const to = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    buttons[r + to[0]]?.[c + to[1]]?.focus();
  }
  function colour() {
    const view = model.get("view"), k = model.get("measure");
    caption.textContent = `${names[k]} in %, ${view}, ${model.get("images")} test images; the more orange, the worse`;
    table.setAttribute("aria-label", caption.textContent);
    buttons.forEach((row, r) => row.forEach((button, c) => {
      const cell = rows[r].cells[view][c];
      button.textContent = cell ? cell.errors[k].toFixed(1) : "–";
      button.style.setProperty("--level", `${cell ? cell.levels[k] * 0.45 : 0}%`);
      button.setAttribute("aria-label", `${rows[r].config}, S = ${rows[r].S}, Q = ${columns[c]}: ${cell ? `${cell.errors[k].toFixed(1)}%` : "not stored"}`);
    }));
    explain();
  }
  function explain() {
    const r = chosenRow(), c = model.get("column"), { config, S, cells } = rows[r], cell = cells[model.get("view")][c];
    buttons.forEach((row, i) => row.forEach((button, j) => {
      button.tabIndex = i === r && j === c ? 0 : -1;
      button.setAttribute("aria-pressed", String(i === r && j === c));
    }));
    said.replaceChildren();
    said.style.setProperty("--column", `var(--vgg-${config.toLowerCase()})`);
    node("p", said, { className: "vgg-title", textContent: `${config}, S = ${S}, Q = ${columns[c]}, ${model.get("view")}` });
    if (!cell) {
      node("p", said, { textContent: "Not stored: crops are evaluated at the scales that suit the net’s S." });
      return;
    }
    const list = node("dl", said);
    names.forEach((name, k) => {
      node("dt", list, { textContent: name });
      node("dd", list, { textContent: `${cell.errors[k].toFixed(1)}%, interval ${cell.intervals[k].map((end) => end.toFixed(1)).join(" to ")}%` });
    });
    node("dt", list, { textContent: "Cost" });
    node("dd", list, { textContent: `${cell.macs} MACs an image` });
    node("dt", list, { textContent: "The paper" });
    node("dd", list, { textContent: cell.paper_errors ? `${cell.paper_errors.map((error) => `${error.toFixed(1)}%`).join(" and ")} on ImageNet (${cell.paper})` : "has no such row" });
  }
  function tabulate() {
    const { cells } = rows[chosenRow()];
    numbers(Object.entries(cells).flatMap(([view, each]) => each.flatMap((cell, c) => cell ? [[
      `${view}, ${columns[c]}`, ...cell.errors.flatMap((error, k) => [error.toFixed(1), cell.intervals[k].map((end) => end.toFixed(1)).join("–")]),
      cell.macs, ...(cell.paper_errors ?? ["", ""]).map((error) => error === "" ? "" : error.toFixed(1)),
    ]] : [])));
  }
  for (const trait of ["view", "measure"]) model.on(`change:${trait}`, colour);
  model.on("change:net", tabulate);
  for (const trait of ["net", "column"]) model.on(`change:${trait}`, explain);
  colour();
  tabulate();
}
export default { render };
