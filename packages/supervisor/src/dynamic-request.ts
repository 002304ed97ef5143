/** What a dynamic supervisor is asked, what is asked in vain included. */
import { isPid, type AnyPid } from "@coppice/core";
import { glance } from "./glance.js";
import { typeOf } from "./supervisor-message.js";

export type DynamicRequest =
  | { readonly type: "startChild"; readonly args: readonly unknown[] }
  | {
      readonly type: "terminateChild" | "getChildSpec";
      readonly pid: AnyPid;
      readonly id?: undefined;
    }
  | {
      readonly type: "terminateChild" | "getChildSpec" | "restartChild" | "deleteChild";
      readonly id: string;
      readonly pid?: undefined;
    }
  | { readonly type: "whichChildren" | "countChildren" | "view" };

export function isDynamicRequest(request: unknown): request is DynamicRequest {
  const { args, id, pid } = Object(request) as Record<string, unknown>;
  switch (typeOf(request) as DynamicRequest["type"]) {
    case "startChild":
      return glance(() => Array.isArray(args) && Array.from(args) !== undefined) === true;
    case "terminateChild":
    case "getChildSpec":
      return id !== undefined || isPid(pid);
    case "restartChild":
    case "deleteChild":
    case "whichChildren":
    case "countChildren":
    case "view":
      return true;
    default:
      return false;
  }
}
