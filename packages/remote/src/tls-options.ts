/** Whom to trust when dialling, as `startRemote` is told, checked. */
import { checkKeys, InvalidArgumentError } from "@coppice/core";

/** As for `tls.connect`. */
export interface TlsOptions {
  readonly ca?: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Certificates and keys in PEM begin so, after whatever comments. */
const PEM = "-----BEGIN ";

/** @throws InvalidArgumentError what `tls.connect` would take without a word, and then trust nobody for */
export function checkTls(what: string, tls: TlsOptions): void {
  checkKeys(what, tls, ["ca", "cert", "key", "servername", "rejectUnauthorized"]);
  const { ca, cert, key, servername, rejectUnauthorized } = tls;
  const texts = { ca, cert, key };
  for (const [option, value] of Object.entries(texts)) {
    const isBytes = (value as unknown) instanceof Uint8Array;
    if (value === undefined || isBytes) continue;
    if (typeof value === "string" && value.includes(PEM)) continue;
    // What it is may be a secret.
    const came = option === "key" && typeof value === "string" ? "another text" : value;
    throw new InvalidArgumentError(`${what}.${option}`, `a text in PEM ("${PEM}…")`, came);
  }
  if (servername !== undefined && typeof servername !== "string")
    throw new InvalidArgumentError(`${what}.servername`, "a string", servername);
  if (rejectUnauthorized !== undefined && typeof rejectUnauthorized !== "boolean")
    throw new InvalidArgumentError(
      `${what}.rejectUnauthorized`,
      "true or false",
      rejectUnauthorized,
    );
}
