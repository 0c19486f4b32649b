import { localTransport } from "../../../src/remote/localTransport";
import { describeTransport } from "./transports";

describeTransport("this machine", () => Promise.resolve(localTransport));
