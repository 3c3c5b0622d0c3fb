// Draws the lines that Python laid out (`charts`: heights from 0 to 1), and reads out one layer.
const HEIGHT = 334, LEFT = 44, RIGHT = 14, TOP = 12, FOOT = 82;
const SHAPES = { normal: "M-4-4H4V4H-4Z", glorot: "M0-5L5 4H-5Z", he: "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0-4 0Z", "from A": "M0-6L6 0L0 6L-6 0Z" };

function render({ model, el }) {
  const root = frame(model, el, "lab");
  const controls = node("div", root, { className: "vgg-controls" });
  const config = node("span", controls, { className: "vgg-slot" });
  menu(model, controls, "view", { label: "Standard deviation of", options: model.get("views") });
  const box = node("label", controls, { className: "vgg-control" });
  const layerText = node("span", box);
  const slide = field("input", box, { type: "range", min: 0, step: 1 });
  slide.addEventListener("input", () => choose(model, "layer", Number(slide.value)));

  const legend = node("ul", root, { className: "vgg-legend" });
  legend.setAttribute("aria-live", "polite");
  const picture = svg("svg", root, { role: "img" });
  const note = node("p", root, { className: "vgg-said" });
  const tables = node("div", root);

  const chart = () => model.get("charts")[model.get("view")][model.get("config")];
  const title = (line) => model.get("methods")[line.method] ?? line.method;

  function build() {
    const names = Object.keys(model.get("charts").activations);
    config.replaceChildren();
    menu(model, config, "config", { label: "Configuration", options: names.map((name) => [name, name]) });
    draw();
  }

  let point = () => {}; // shows the chosen layer in the chart that is drawn

  function draw() {
    const { layers, copied, ticks, lines } = chart();
    slide.max = layers.length - 1;
    const width = Math.max(300, root.clientWidth - 34), x = (i) => LEFT + 8 + (i * (width - LEFT - RIGHT - 8)) / (layers.length - 1);
    const y = (height) => HEIGHT - FOOT - height * (HEIGHT - FOOT - TOP);
    picture.replaceChildren();
    picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    picture.setAttribute("aria-label", `${model.get("views").find(([name]) => name === model.get("view"))[1]}, layer by layer, configuration ${model.get("config")}; the numbers are in the table below`);
    for (const [height, text] of ticks) {
      svg("path", picture, { class: "vgg-rule", d: `M${LEFT} ${y(height)}H${width - RIGHT}` });
      svg("text", picture, { x: LEFT - 6, y: y(height) + 4, "text-anchor": "end" }).textContent = text;
    }
    const cursor = svg("path", picture, { class: "vgg-cursor" });
    const labels = layers.map((layer, i) => {
      const label = svg("text", picture, { transform: `translate(${x(i) + 4} ${HEIGHT - FOOT + 22}) rotate(-90)`, "text-anchor": "end" });
      label.textContent = layer;
      if (copied.includes(layer)) svg("path", picture, { class: "vgg-copied", d: SHAPES["from A"], transform: `translate(${x(i)} ${HEIGHT - FOOT + 10})` });
      return label;
    });
    for (const line of lines) {
      const group = svg("g", picture, { class: "vgg-curve", "data-method": line.method, "data-measured": line.measured });
      let path = "", pen = "M";
      line.heights.forEach((height, i) => {
        if (height === null) { pen = "M"; return; }
        path += `${pen}${x(i)} ${y(height)}`;
        pen = "L";
        if (line.measured) svg("path", group, { d: SHAPES[line.method], transform: `translate(${x(i)} ${y(height)})` });
      });
      svg("path", group, { class: "vgg-stroke", d: path });
    }
    layers.forEach((layer, i) => {
      const hit = svg("rect", picture, { class: "vgg-hit", x: x(i) - 9, y: 0, width: 18, height: HEIGHT });
      hit.addEventListener("pointerenter", () => choose(model, "layer", i));
    });
    point = () => {
      const current = Math.min(model.get("layer"), layers.length - 1);
      cursor.setAttribute("d", `M${x(current)} ${TOP}V${HEIGHT - FOOT}`);
      labels.forEach((label, i) => label.classList.toggle("vgg-here", i === current));
      slide.value = current;
      slide.setAttribute("aria-valuetext", layers[current]);
      layerText.textContent = `Layer: ${layers[current]}`;
      say(layers[current], copied, lines, current);
    };
    point();
    tabulate(layers, copied, lines);
  }
  function say(layer, copied, lines, current) {
    legend.replaceChildren();
    for (const method of new Set(lines.map((line) => line.method))) {
      const mine = lines.filter((line) => line.method === method), measured = mine.some((line) => line.measured);
      const item = node("li", legend);
      const swatch = svg("svg", item, { viewBox: "-16 -7 32 14", "aria-hidden": "true" });
      const group = svg("g", swatch, { class: "vgg-curve", "data-method": method, "data-measured": measured });
      svg("path", group, { class: "vgg-stroke", d: "M-15 0H15" });
      if (measured) svg("path", group, { d: SHAPES[method] });
      node("span", item, { textContent: `${title(mine[0])}:` });
      for (const line of mine) node(line.measured ? "b" : "span", item, { textContent: line.measured ? line.texts[current] : `forecast ${line.texts[current]}` });
    }
    note.textContent = copied.length
      ? `◆ under the axis: copied from A. ${layer} is ${copied.includes(layer) ? "copied" : "drawn afresh"}; dashed lines are forecasts.`
      : "Nothing is copied: the source has this configuration itself. Dashed lines are forecasts.";
  }
  function tabulate(layers, copied, lines) {
    const open = tables.querySelector("details")?.open;
    tables.replaceChildren();
    const fill = dataTable(tables, "The numbers as a table", ["Layer", ...lines.map((line) => `${title(line)}${line.measured ? "" : ", forecast"}`), "Copied"]);
    tables.querySelector("details").open = Boolean(open);
    fill(layers.map((layer, i) => [layer, ...lines.map((line) => line.texts[i]), copied.includes(layer) ? "yes" : "no"]));
  }

  for (const trait of ["config", "view"]) model.on(`change:${trait}`, draw);
  model.on("change:layer", () => point());
  model.on("change:charts", build);
  const watch = new ResizeObserver(draw);
  build();
  watch.observe(root);
  return () => watch.disconnect();
}
export default { render };
