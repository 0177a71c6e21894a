// One page of the documentation: no script, styles from one file, nothing from elsewhere.
import { escaped } from "./markdown.mjs";

const policy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

export function pageHtml({ name, title }, body, all) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="gpumem, GPU memory of AI models: ${escaped(title)}.">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}: gpumem</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="site.css">
</head>
<body>
<a class="skip" href="#text">To the text</a>
<header><a href="../">gpumem</a> <span>documentation</span></header>
<details class="menu"><summary>Pages</summary><nav aria-label="Pages">${menu(name, all)}</nav></details>
<main id="text">
${body}
</main>
</body>
</html>
`;
}

function menu(current, all) {
  const groups = [...new Set(all.map(({ group }) => group))];
  const entry = ({ name, title }) => `<li><a href="${name}.html"${name === current ? ' aria-current="page"' : ""}>${escaped(title)}</a></li>`;
  return groups.map((group) => `<h2>${group}</h2><ul>${all.filter((page) => page.group === group).map(entry).join("")}</ul>`).join("");
}
