import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
  type DataCallback,
  type Disposable,
  type Message,
  type MessageConnection,
} from "vscode-jsonrpc/node";

/** The end of a JSON-RPC connection whose messages come and go as objects, not as a stream of bytes. */
export interface ObjectChannel {
  connection: MessageConnection;
  /** Takes in a message from the other side. */
  receive: (message: object) => void;
}

export function openObjectChannel(send: (message: object) => void): ObjectChannel {
  const reader = new ObjectReader();
  const connection = createMessageConnection(reader, new ObjectWriter(send));
  return { connection, receive: (message) => reader.receive(message as Message) };
}

class ObjectReader extends AbstractMessageReader {
  private callback: DataCallback | null = null;

  listen(callback: DataCallback): Disposable {
    this.callback = callback;
    return { dispose: () => (this.callback = null) };
  }

  receive(message: Message): void {
    this.callback?.(message);
  }
}

class ObjectWriter extends AbstractMessageWriter {
  constructor(private readonly send: (message: object) => void) {
    super();
  }

  write(message: Message): Promise<void> {
    this.send(message);
    return Promise.resolve();
  }

  end(): void {
    // The socket is everybody's, and is closed by its owner.
  }
}
