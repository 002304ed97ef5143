/**
 * What has to be typed to see a failure again: for the runner that found it, from the folder where it runs, with
 * the options of Node that its tests need to load at all, as these are often in a script and not in the shell.
 * Where a script does more than that, `COPPICE_TEST_COMMAND` says how it is called.
 */
import { relative } from "node:path";

/** `name` is that of the test, `file` the one that defines it. */
export function replayLine(token: string, name: string, file: string | undefined): string {
  const pattern = quote(escapePattern(name));
  const place = file === undefined ? undefined : relative(process.cwd(), file);
  const path = place === undefined ? "" : ` ${quote(place)}`;
  const { COPPICE_TEST_COMMAND = "", JEST_WORKER_ID, VITEST } = process.env;
  const replay = `COPPICE_REPLAY=${quote(token, true)}`;
  if (VITEST !== undefined) return `${replay} npx vitest run${path} -t ${pattern}`;
  const test = place === undefined ? "" : ` ${quote(escapePattern(place))}`;
  if (COPPICE_TEST_COMMAND !== "") return `${replay} ${COPPICE_TEST_COMMAND}${test} -t ${pattern}`;
  const options = nodeOptions();
  if (JEST_WORKER_ID === undefined) {
    const node = ["node", ...options.map((option) => quote(option))].join(" ");
    return `${replay} ${node} --test --test-name-pattern=${pattern}${path}`;
  }
  const env = options.length === 0 ? "" : ` NODE_OPTIONS=${quote(options.join(" "))}`;
  return `${replay}${env} npx jest${test} -t ${pattern}`;
}

/**
 * Options of Node without which tests may not even load: modules, loaders, conditions. From 24 on the files of
 * `node --test` are run with all options that have a value, and with that for addons though nobody gave it.
 */
const LOADING =
  /^(-r|-C|--(no-)?(experimental-(?!addon-modules)\w[\w-]*|import|loader|require|conditions))(=|$)/;

function nodeOptions(): string[] {
  const { NODE_OPTIONS = "" } = process.env;
  const given = [...process.execArgv, ...NODE_OPTIONS.split(/\s+/)];
  const options: string[] = [];
  for (const [index, option] of given.entries()) {
    if (!LOADING.test(option)) continue;
    const value = given[index + 1];
    const takesValue = /^(-r|-C|--(experimental-loader|import|loader|require|conditions))$/;
    const whole = takesValue.test(option) && value !== undefined ? [option, value] : [option];
    if (!options.join(" ").includes(whole.join(" "))) options.push(...whole);
  }
  return options;
}

/** What runners take for a pattern; a dot in it is as good as any character, and easier to read. */
function escapePattern(text: string): string {
  return text.replace(/[*+?^${}()|[\]\\]/g, "\\$&");
}

function quote(text: string, always = false): string {
  if (!always && /^[\w./:@=-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
