/** The one HTTP server: MLflow's API over the store. */
export { type RunningServer, type ServerOptions, startServer } from './server.js';
