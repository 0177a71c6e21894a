export { Ways as default } from ".";
