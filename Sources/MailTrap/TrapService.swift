import Basics
import Logging
import NIOPosix
import Wire

/// The SMTP server that takes everything and sends nothing (R63): for programs under test.
package final class TrapService: ConnectionHandler {
  let settings: TrapSettings
  let store: TrapStore
  let time: any TimeSource
  let files: NIOThreadPool
  let log: Logger
  private let ids = TrapIDs()

  /// Makes the service; the folder must be there.
  ///
  /// - Parameter files: threads for file work.
  package init(settings: TrapSettings, time: any TimeSource, files: NIOThreadPool, log: Logger) {
    self.settings = settings
    self.time = time
    self.files = files
    self.log = log
    store = TrapStore(folder: settings.folder)
  }

  /// Serves one client.
  package func serve(_ connection: Connection) async throws {
    try await TrapSession(service: self, connection: connection).run()
  }

  /// A 421 for those who are turned away.
  package func refusal(_ reason: ConnectionRefusal) -> [UInt8]? { Array("421 4.7.0 too many connections\r\n".utf8) }

  func newID() -> String { ids.next(time.now) }

  func keep(_ message: TrappedMessage, _ content: [UInt8]) async throws {
    let limit = settings.messages
    try await files.runIfActive { [store] in
      try store.put(message, content)
      try store.trim(to: limit)
    }
    log.info("caught", metadata: ["id": "\(message.id)", "to": "\(message.recipients.count)"])
  }
}
