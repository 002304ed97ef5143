/** Tells what becomes of an application: whoever runs it, else as reports of the application's own process. */
import { logToConsole, type Self } from "@coppice/core";
import { formatApplicationReport, levelOf, type ApplicationReport } from "./application-report.js";

export type ApplicationLogger = (report: ApplicationReport) => void;

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export class ApplicationTeller {
  readonly #application: string;
  readonly #logger: ApplicationLogger | undefined;

  constructor(application: string, logger: ApplicationLogger | undefined) {
    this.#application = application;
    this.#logger = logger;
  }

  /** @param self of the application's process, while that is alive */
  tell(
    self: Pick<Self<never>, "report"> | undefined,
    report: DistributiveOmit<ApplicationReport, "application">,
  ): void {
    const data: ApplicationReport = { application: this.#application, ...report };
    if (this.#logger === undefined) {
      const format = (): string => formatApplicationReport(data) ?? data.type;
      self?.report({ level: levelOf(data), data, format });
      return;
    }
    try {
      this.#logger(data);
    } catch (error) {
      logToConsole({ type: "subscriberFailed", error });
    }
  }
}
