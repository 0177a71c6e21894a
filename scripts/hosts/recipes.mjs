// The smallest site of each generator that embeds the calculator, as docs/embedding.md says.

const scenario = { model: { id: "Qwen/Qwen3-0.6B" }, task: "inference", hardware: { gpu: "nvidia/rtx-4090" } };
const hash = `#scenario=${encodeURIComponent(JSON.stringify(scenario))}`;
const resize = `addEventListener("message", ({ data, source }) => {
  if (data?.type !== "gpumem-resize") return;
  for (const frame of document.querySelectorAll("iframe")) if (frame.contentWindow === source) frame.height = data.height;
});
`;
const markup = (base) => `<gpumem-calculator model="${scenario.model.id}" gpu="${scenario.hardware.gpu}"><p>fallback</p></gpumem-calculator>

<iframe src="${base}gpumem/embed.html${hash}" title="GPU memory calculator" width="100%" height="100"></iframe>
`;
const script = "gpumem/element/gpumem-calculator.js";
const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

/** files, commands to install and to build, the folder of static files, the built site, and the page to open. */
export const recipes = {
  vitepress: {
    files: {
      "package.json": json({ private: true, type: "module" }),
      "docs/.vitepress/config.mjs": `export default {
  title: "host",
  head: [["script", { type: "module", src: "/${script}" }], ["script", { src: "/resize.js" }]],
  vue: { template: { compilerOptions: { isCustomElement: (tag) => tag === "gpumem-calculator" } } },
};
`,
      "docs/index.md": `# Host\n\n${markup("/")}`,
      "docs/public/resize.js": resize,
    },
    install: [["npm", "install", "--no-audit", "--no-fund", "vitepress"]],
    build: ["npx", "vitepress", "build", "docs"],
    statics: "docs/public",
    output: "docs/.vitepress/dist",
    path: "/",
  },
  mkdocs: {
    files: {
      // Its theme would fetch a highlighter from elsewhere.
      "mkdocs.yml": `site_name: host
theme: { name: mkdocs, highlightjs: false }
extra_javascript:
  - path: ${script}
    type: module
  - resize.js
`,
      "docs/index.md": `# Host\n\n${markup("")}`,
      "docs/resize.js": resize,
    },
    install: [["python3", "-m", "venv", "venv"], ["venv/bin/pip", "install", "--quiet", "mkdocs"]],
    build: ["venv/bin/mkdocs", "build", "--strict"],
    statics: "docs",
    output: "site",
    path: "/",
  },
  docusaurus: {
    files: {
      "package.json": json({ private: true }),
      "docusaurus.config.js": `module.exports = {
  title: "host",
  url: "https://example.org",
  baseUrl: "/",
  scripts: [{ src: "/${script}", type: "module" }, "/resize.js"],
  presets: [["classic", { docs: { routeBasePath: "/" }, blog: false }]],
};
`,
      // MDX reads attributes as JSX does, and these are plain ones.
      "docs/index.mdx": `---\nslug: /\n---\n# Host\n\n${markup("/")}`,
      "static/resize.js": resize,
    },
    install: [["npm", "install", "--no-audit", "--no-fund", "@docusaurus/core", "@docusaurus/preset-classic", "react", "react-dom"]],
    build: ["npx", "docusaurus", "build"],
    statics: "static",
    output: "build",
    path: "/",
  },
};
