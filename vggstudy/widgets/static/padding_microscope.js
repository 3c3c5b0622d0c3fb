// A crop on the picture beside the cells of its last map (`nets`): equal to the whole picture's, or off by so much.
function render({ model, el }) {
  const root = frame(model, el, "padding");
  const controls = node("div", root, { className: "vgg-controls" });
  menu(model, controls, "config", { label: "Configuration", options: model.get("nets").map(({ config, field }) => [config, `${config} (sees ${field} px)`]) });
  const net = () => model.get("nets").find(({ config }) => config === model.get("config"));
  const crop = () => net().crops[model.get("row") * model.get("places") + model.get("column")];
  for (const [trait, label, edge] of [["column", "Crop from the left", "left"], ["row", "Crop from the top", "top"]])
    slider(model, controls, trait, { label, min: 0, max: model.get("places") - 1, say: (i) => `${model.get("nets")[0].crops[trait === "row" ? i * model.get("places") : i][edge]} px` });

  const pair = node("div", root, { className: "vgg-padding-pair" });
  const left = node("figure", pair), right = node("figure", pair);
  node("figcaption", left, { textContent: "The picture, the crop, and what the cell sees" });
  const image = svg("svg", left, { role: "img" });
  const title = node("figcaption", right);
  const table = node("div", right, { className: "vgg-padding-cells" });
  const said = node("p", root, { className: "vgg-said" });
  said.setAttribute("role", "status");
  const key = node("p", root, { className: "vgg-said vgg-padding-key" });
  for (const [style, text] of [["vgg-equal", "equal to the whole picture’s cell"], ["vgg-off", "off, in % of the whole picture’s cell"]]) {
    const entry = node("span", key);
    node("i", entry, { className: style });
    node("span", entry, { textContent: text });
  }
  const numbers = dataTable(root, "All crops as a table", ["Crop at left, top, px", "Equal cells", "Least and most that the others are off, %"]);
  let hovered = null, cells = [];

  function draw() {
    const now = net(), { differences, equal } = crop(), count = differences.length;
    const focused = cells.indexOf(document.activeElement);
    title.textContent = `The ${now.side} × ${now.side} cells of its last map: ${equal} of ${count} equal`;
    table.style.gridTemplateColumns = `repeat(${now.side}, 1fr)`;
    table.replaceChildren();
    cells = differences.map((difference, i) => {
      const same = difference < 0.01, words = same ? "=" : difference < 9.95 ? difference.toFixed(1) : difference.toFixed(0);
      const cell = field("button", table, { type: "button", className: same ? "vgg-equal" : "vgg-off", textContent: words });
      cell.style.setProperty("--off", `${Math.min(difference, 100)}%`);
      cell.setAttribute("aria-label", `row ${1 + Math.floor(i / now.side)}, column ${1 + (i % now.side)}: ${same ? "equal" : `${words}% off`}`);
      cell.addEventListener("focus", () => choose(model, "cell", i));
      cell.addEventListener("pointerenter", () => { hovered = i; look(); });
      cell.addEventListener("pointerleave", () => { hovered = null; look(); });
      cell.addEventListener("keydown", (event) => move(event, i, now.side));
      return cell;
    });
    if (focused >= 0) cells[focused].focus();
    numbers(now.crops.map((each) => {
      const off = each.differences.filter((difference) => difference >= 0.01).sort((a, b) => a - b);
      return [`${each.left}, ${each.top}`, `${each.equal} of ${count}`, off.length ? `${off[0].toFixed(2)} to ${off.at(-1).toFixed(1)}` : "none is off"];
    }));
    look();
  }
  function look() {
    const now = net(), at = crop(), i = hovered ?? model.get("cell"), side = model.get("crop_size"), size = model.get("size");
    const [row, column] = [Math.floor(i / now.side), i % now.side];
    cells.forEach((cell, j) => {
      cell.tabIndex = j === model.get("cell") ? 0 : -1;
      cell.setAttribute("aria-pressed", String(j === i));
    });
    const x = at.left + now.edges[column], y = at.top + now.edges[row], margin = -now.edges[0];
    image.setAttribute("viewBox", `${-margin - 4} ${-margin - 4} ${size + 2 * margin + 8} ${size + 2 * margin + 8}`);
    image.setAttribute("aria-label", `Crop of ${side} px at ${at.left}, ${at.top}; the cell in row ${row + 1}, column ${column + 1} sees ${now.field} px from ${x}, ${y}`);
    image.replaceChildren();
    svg("image", image, { href: model.get("picture"), width: size, height: size, preserveAspectRatio: "none" });
    svg("rect", image, { class: "vgg-padding-crop", x: at.left, y: at.top, width: side, height: side });
    svg("rect", image, { class: "vgg-padding-field", x, y, width: now.field, height: now.field });
    const difference = at.differences[i], same = difference < 0.01;
    said.textContent = `Row ${row + 1}, column ${column + 1} sees ${now.field} × ${now.field} px (blue). ${same ? "Nothing of the picture that it sees is cut off by the crop: it equals the cell of the whole picture." : `The crop (white) cuts off part of it; zeros stand there instead, and it is off by ${difference.toFixed(2)}%.`}`;
  }
  function move(event, i, side) {
    const allowed = { ArrowLeft: i % side > 0, ArrowRight: i % side < side - 1, ArrowUp: i >= side, ArrowDown: i + side < cells.length };
    if (!(event.key in allowed)) return;
    event.preventDefault();
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -side, ArrowDown: side }[event.key];
    if (allowed[event.key]) cells[i + step].focus();
  }
  for (const trait of ["config", "column", "row"]) model.on(`change:${trait}`, draw);
  model.on("change:cell", look);
  draw();
}
export default { render };
