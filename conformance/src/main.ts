/** Replays recorded programs of a real Erlang and compares what happened. */

export {};
