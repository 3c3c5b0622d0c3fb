// Runs after require.js and before embed-amd.js: tells the widget manager that all it needs lies beside this file.
(() => {
  const folder = new URL(".", document.currentScript.src).href;

  // The theme's icon script replaces <i> elements as they appear, among them the icons of ipywidgets' buttons, whose
  // views then break.  It may convert what the page holds now; the rest is drawn by the font that embed-amd.js brings.
  const icons = (window.FontAwesome && window.FontAwesome.config) || (window.FontAwesomeConfig ||= {});
  icons.observeMutations = false;

  requirejs.config({
    paths: {
      anywidget: `${folder}anywidget`,
      // embed-amd.js derives the address of its fonts from these two names.
      "@jupyter-widgets/html-manager": `${folder}html-manager`,
      "@jupyter-widgets/html-manager/dist/libembed-amd": `${folder}html-manager`,
    },
  });
})();
