// Texts of the menu of files.
export const saves = [["svg", "Save charts as SVG"], ["png", "Save charts as PNG"], ["csv", "Save tables as CSV"], ["md", "Save table as Markdown"], ["json", "Save answer as JSON"]] as const;
export const print = "Print, or save as PDF";
export const notSaved = "The file could not be made.";
