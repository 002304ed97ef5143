/** What many peers together take, such as all clients, and may: each counts its own in, and out when it goes. */
export interface SharedBytes {
  bytes: number;
  readonly maxBytes: number;
}
