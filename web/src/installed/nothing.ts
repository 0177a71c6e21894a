// The page that is one file is kept by keeping the file.
export const register = (): void => {};
export const documentation: string | undefined = undefined;
