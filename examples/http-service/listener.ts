/** The listener: owns the HTTP server. */
import { getRequestListener } from "@hono/node-server";
import { defineServer, type ServerSelf } from "@coppice/supervisor";
import { HttpServer } from "./http-server.js";
import { createRoutes } from "./routes.js";

export const listener = defineServer({
  // It has started when it listens: a port that is taken is a service that does not start.
  init: async (port: number, self: ServerSelf): Promise<HttpServer> => {
    self.trapExits();
    const { node, pid } = self;
    const routes = createRoutes(node);
    const handle = getRequestListener(routes.fetch, { overrideGlobalObjects: false });
    const server = await HttpServer.listen(port, (request, response) => {
      void handle(request, response);
    });
    // However this process ends, nobody keeps the port.
    self.own(server, () => server.close());
    server.onError((error) => node.exit(pid, { error }));
    console.log(`listener: ${server.url}`);
    return server;
  },
  terminate: async (server) => {
    const drained = server.drain();
    console.log(`listener: lets nobody in any more, ${server.underWay} under way`);
    await drained;
    console.log("listener: closed");
  },
});
