// Draws sampled crops on a picture, what the net sees of one, and how large objects look to it.
function render({ model, el }) {
  const root = frame(model, el, "jitter");
  const controls = node("div", root, { className: "vgg-controls" });
  menu(model, controls, "regime", { label: "Training scale", options: model.get("regimes").map((name, i) => [i, name]) });
  const pictures = node("span", controls, { className: "vgg-slot" });
  slider(model, controls, "crop", { label: "Crop", min: 0, max: model.get("pictures")[0].crops[0].length - 1, say: (i) => String(i + 1) });

  const pair = node("div", root, { className: "vgg-jitter-pair" });
  const all = panel("All crops, on the picture"), one = panel("");
  const said = node("p", root, { className: "vgg-said" });
  said.setAttribute("role", "status");
  const sizes = node("div", root, { className: "vgg-spreads" });
  const numbers = dataTable(root, "The crops of this picture as a table", ["Crop", "S, px", "Mirrored", "Of the object, %", "Of the picture, %", "Object, px"]);

  dataTable(root, "The sizes as a table", ["Training scale", "A tenth up to, px", "Half up to, px", "Nine tenths up to, px"])(
    model.get("spreads").map((spread) => [spread.regime, ...[spread.tenth, spread.half, spread.nine_tenths].map(String)]));

  function panel(title) {
    const figure = node("figure", pair);
    const caption = node("figcaption", figure, { textContent: title });
    return { caption, image: svg("svg", figure, { role: "img" }) };
  }
  function build() {
    pictures.replaceChildren();
    menu(model, pictures, "picture", { label: "Picture", options: model.get("pictures").map((_, i) => [i, String(i + 1)]) });
    redraw();
  }
  function redraw() {
    histograms();
    tabulate();
    draw();
  }
  function picture(parent, { url, width, height }) {
    svg("image", parent, { href: url, width, height, preserveAspectRatio: "none" });
  }
  function draw() {
    const shown = model.get("pictures")[model.get("picture")], crops = shown.crops[model.get("regime")];
    const crop = crops[model.get("crop")], regime = model.get("regimes")[model.get("regime")], side = model.get("crop_size");

    const square = Math.max(shown.width, shown.height);
    all.image.setAttribute("viewBox", `${(shown.width - square) / 2} ${(shown.height - square) / 2} ${square} ${square}`);
    all.image.setAttribute("aria-label", `${crops.length} crops of the picture under ${regime}`);
    all.image.replaceChildren();
    picture(all.image, shown);
    const [left, top, right, bottom] = shown.box;
    svg("rect", all.image, { class: "vgg-object", x: left, y: top, width: right - left, height: bottom - top });
    for (const each of [...crops.filter((other) => other !== crop), crop])
      svg("rect", all.image, { class: each === crop ? "vgg-chosen" : "vgg-crop", x: each.left, y: each.top, width: each.side, height: each.side });

    one.caption.textContent = `Crop ${model.get("crop") + 1}, as the net sees it: ${side} × ${side} px`;
    one.image.setAttribute("viewBox", `${crop.left} ${crop.top} ${crop.side} ${crop.side}`);
    one.image.setAttribute("aria-label", one.caption.textContent);
    one.image.classList.toggle("vgg-mirrored", crop.flip);
    one.image.replaceChildren();
    picture(one.image, shown);

    said.textContent = `S = ${crop.S} px${crop.flip ? ", mirrored" : ""}: the crop holds ${crop.object_share.toFixed(1)}% of the object and ${crop.picture_share.toFixed(1)}% of the picture; the object is ${crop.object_size.toFixed(1)} px long.`;
    mark(crop.object_size);
  }
  function tabulate() {
    const crops = model.get("pictures")[model.get("picture")].crops[model.get("regime")];
    numbers(crops.map((each, i) => [String(i + 1), String(each.S), each.flip ? "yes" : "no", each.object_share.toFixed(1), each.picture_share.toFixed(1), each.object_size.toFixed(1)]));
  }
  let mark = () => {}; // moves the mark of the crop's object in the histogram that is drawn

  function histograms() {
    const [low, high] = model.get("axis");
    sizes.replaceChildren();
    node("p", sizes, { className: "vgg-heading", textContent: "How long objects are in the rescaled pictures, px" });
    model.get("spreads").forEach((spread, i) => {
      const row = node("div", sizes, { className: "vgg-spread" });
      row.classList.toggle("vgg-chosen", i === model.get("regime"));
      node("b", row, { textContent: spread.regime });
      const bars = svg("svg", row, { viewBox: "0 0 300 46", preserveAspectRatio: "none", role: "img", "aria-label": `${spread.regime}: a tenth under ${spread.tenth} px, half under ${spread.half} px, nine tenths under ${spread.nine_tenths} px` });
      const wide = 300 / spread.heights.length;
      spread.heights.forEach((height, k) => svg("rect", bars, { x: k * wide + 0.5, y: 45 - 44 * height, width: wide - 1, height: 44 * height }));
      svg("path", bars, { class: "vgg-foot", d: "M0 45.5H300" });
      if (i === model.get("regime")) {
        const line = svg("path", bars, { class: "vgg-mark" });
        mark = (size) => line.setAttribute("d", `M${(300 * (size - low)) / (high - low)} 0V46`);
      }
      node("span", row, { textContent: `${spread.tenth.toFixed(0)} – ${spread.nine_tenths.toFixed(0)} px` });
    });
    const axis = node("div", sizes, { className: "vgg-spread vgg-axis" });
    node("span", axis);
    const ends = node("span", axis);
    node("span", ends, { textContent: `${low}` });
    node("span", ends, { textContent: `${high} px` });
    node("span", axis, { textContent: "middle 80%" });
  }
  for (const trait of ["regime", "picture"]) model.on(`change:${trait}`, redraw);
  model.on("change:crop", draw);
  model.on("change:pictures", build);
  build();
}
export default { render };
