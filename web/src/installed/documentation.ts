// The documentation lies beside the page; the page that is one file has none.
export const documentation: string | undefined = "./docs/";
