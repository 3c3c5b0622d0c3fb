// The rungs of the evaluation (`ladders`), and the fusion of the ticked nets looked up in `subsets`.
function render({ model, el }) {
  const root = frame(model, el, "fusion");
  const text = (value) => value === null || value === undefined ? "–" : value.toFixed(1);
  const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(1);
  const names = model.get("names"), label = (net) => names[net].join(", ");

  node("p", root, { className: "vgg-heading", textContent: "The ladder: the same weights, seen better and better" });
  const controls = node("div", root, { className: "vgg-controls" });
  menu(model, controls, "net", { label: "Net", options: Object.keys(model.get("ladders")).map((net) => [net, label(net)]) });
  const rungs = node("div", root, { className: "vgg-rungs" });
  const climbed = dataTable(root, "The ladder as a table", ["Step", "Top-1, %", "95%", "Top-5, %", "Gain, points", "95%", "MACs an image", "The paper’s top-1, %", "top-5, %"]);

  node("p", root, { className: "vgg-heading", textContent: "Fusion: tick the nets" });
  const options = node("div", root, { className: "vgg-controls" });
  menu(model, options, "method", { label: "Averaged is the", options: model.get("methods") });
  menu(model, options, "view", { label: "View", options: Object.keys(model.get("subsets")).map((view) => [view, view]) });
  const members = node("fieldset", root, { className: "vgg-members" });
  const said = node("p", root, { className: "vgg-fused" });
  said.setAttribute("role", "status");
  node("p", root, { className: "vgg-said", textContent: "On how many images two nets disagree, % (in colour: both ticked)" });
  const matrix = node("table", node("div", root, { className: "vgg-apart" }));
  matrix.setAttribute("aria-label", "Share of images on which two nets name different classes, per cent");
  dataTable(root, "The paper’s Tables 6 and 7 (ImageNet, validation)", ["Table", "What", "Top-1, %", "Top-5, %"])(
    model.get("paper").map(([table, what, top1, top5]) => [table, what, text(top1), text(top5)]));

  function climb() {
    const steps = model.get("ladders")[model.get("net")], most = steps.reduce((most, step) => step.interval[1] > most ? step.interval[1] : most, 1);
    rungs.replaceChildren();
    rungs.style.setProperty("--column", `var(--vgg-${names[model.get("net")][0].toLowerCase()})`);
    const head = node("div", rungs, { className: "vgg-rung vgg-rung-head" });
    for (const words of ["Step", "Top-1 error, 95% interval", "Gain", "MACs", "Paper"]) node("span", head, { textContent: words });
    for (const step of steps) {
      const row = node("div", rungs, { className: "vgg-rung" });
      node("span", row, { textContent: step.name });
      const cell = node("span", row, { className: "vgg-rung-bar" });
      const track = node("b", cell);
      node("i", track).style.width = `${(100 * step.errors[0]) / most}%`;
      const whisker = node("u", track);
      whisker.style.left = `${(100 * step.interval[0]) / most}%`;
      whisker.style.right = `${100 - (100 * step.interval[1]) / most}%`;
      node("span", cell, { textContent: `${text(step.errors[0])}%` });
      const gain = node("span", row, { textContent: step.gain ? signed(step.gain[0]) : "" });
      if (step.gain) node("small", gain, { textContent: ` [${signed(step.gain[1])}; ${signed(step.gain[2])}]` });
      node("span", row, { textContent: step.macs });
      node("span", row, { textContent: step.paper ? `${text(step.paper[0])}%` : "–" });
    }
    climbed(steps.map((step) => [step.name, text(step.errors[0]), step.interval.map(text).join("–"), text(step.errors[1]),
      step.gain ? signed(step.gain[0]) : "", step.gain ? step.gain.slice(1).map(signed).join(" to ") : "", step.macs, ...(step.paper ?? [null, null]).map(text)]));
  }

  const state = () => model.get("subsets")[model.get("view")];
  const error = (mask, k) => (100 * state().wrong[model.get("method")][k][mask]) / model.get("images");
  let boxes = [];
  function build() {
    const { nets } = state(), all = 2 ** nets.length - 1;
    members.replaceChildren();
    node("legend", members, { textContent: "Nets in the fusion, and the top-1 error of each alone" });
    boxes = nets.map((net, bit) => {
      const box = node("label", members, { className: "vgg-member" });
      box.style.setProperty("--column", `var(--vgg-${names[net][0].toLowerCase()})`);
      const input = field("input", box, { type: "checkbox" });
      node("span", box, { textContent: label(net) });
      node("span", box, { textContent: `${text(error(1 << bit, 0))}%` });
      input.addEventListener("change", () => {
        const mask = model.get("chosen") ^ (1 << bit);
        if (mask) choose(model, "chosen", mask);
        else input.checked = true; // nothing cannot be fused
      });
      return input;
    });
    if (model.get("chosen") > all) choose(model, "chosen", all);
    else fuse();
  }
  function fuse() {
    const { nets, disagreement } = state(), mask = Math.min(model.get("chosen"), 2 ** nets.length - 1);
    boxes.forEach((box, bit) => { box.checked = Boolean(mask & (1 << bit)); });
    const [top1, top5] = [error(mask, 0), error(mask, 1)], count = boxes.filter((box) => box.checked).length;
    const [low, high] = model.get("intervals")[state().wrong[model.get("method")][0][mask]];
    said.replaceChildren();
    node("b", said, { textContent: `${count} ${count === 1 ? "net" : "nets"}: top-1 error ${text(top1)}%` });
    node("span", said, { textContent: ` (95%: ${text(low)} to ${text(high)}%), top-5 error ${text(top5)}%.` });
    matrix.replaceChildren();
    const head = node("tr", node("thead", matrix));
    node("th", head, { scope: "col", textContent: "Net" });
    for (const net of nets) node("th", head, { scope: "col", textContent: label(net) });
    const body = node("tbody", matrix);
    nets.forEach((net, i) => {
      const row = node("tr", body);
      node("th", row, { scope: "row", textContent: label(net) });
      nets.forEach((_, j) => {
        const cell = node("td", row, { textContent: i === j ? "·" : text(disagreement[i][j]) });
        cell.classList.toggle("vgg-both", boxes[i].checked && boxes[j].checked);
        cell.style.setProperty("--level", `${Math.min(2 * disagreement[i][j], 45)}%`);
      });
    });
  }
  model.on("change:net", climb);
  for (const trait of ["view", "method"]) model.on(`change:${trait}`, build);
  model.on("change:chosen", fuse);
  climb();
  build();
}
export default { render };
