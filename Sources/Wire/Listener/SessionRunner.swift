import Basics
import Logging
import NIOCore
import Synchronization

/// The road of one connection: PROXY header, limits, TLS, session, farewell.
final class SessionRunner: Sendable {
  let entry: SessionEntry
  let executor: LoopExecutor?
  private let endpoints: Endpoints
  private let spec: ListenerSpec
  private let handler: any ConnectionHandler
  private let settings: WireSettings
  private let tls: TLSCertificates?
  private let log: Logger
  private let table: SessionTable
  private let refused = Mutex<ConnectionRefusal?>(nil)

  /// Why the connection was not let in, known before the task starts.
  var refusal: ConnectionRefusal? {
    get { refused.withLock { $0 } }
    set { refused.withLock { $0 = newValue } }
  }

  init(
    entry: SessionEntry, endpoints: Endpoints, spec: ListenerSpec, handler: any ConnectionHandler,
    settings: WireSettings, tls: TLSCertificates?, log: Logger, table: SessionTable, executor: LoopExecutor?
  ) {
    self.entry = entry
    self.endpoints = endpoints
    self.spec = spec
    self.handler = handler
    self.settings = settings
    self.tls = tls
    self.log = log
    self.table = table
    self.executor = executor
  }

  /// Serves the connection; comes back when it is closed.
  func run() async {
    if let connection = await admit() { await converse(connection) }
    entry.channel.close(promise: nil)
    try? await entry.channel.closeFuture.get()
    table.leave(entry)
  }

  /// Lets the connection in: header of the proxy, limits, TLS.
  ///
  /// - Returns: `nil` when there is to be no session. Its frame is gone while the session lasts.
  private func admit() async -> Connection? {
    var connection = makeConnection(endpoints)
    if let refusal {
      await refuse(refusal, connection)
      return nil
    }
    do {
      if spec.proxyNetworks.contains(where: { $0.contains(endpoints.peer) }) {
        connection = try await readProxyHeader(connection)
      }
      if !spec.allowedNetworks.isEmpty, !spec.allowedNetworks.contains(where: { $0.contains(connection.peer) }) {
        // No octet, as row 1 and row 9 ask.
        table.count { $0.refused += 1 }
        return nil
      }
      if let refusal = table.admit(entry, peer: connection.peer, expectsLogin: spec.expectsLogin) {
        await refuse(refusal, connection)
        return nil
      }
      guard try await handler.meet(connection) else {
        table.count { $0.refused += 1 }
        return nil
      }
      if spec.implicitTLS { try await handshake(connection) }
    } catch {
      connection.log.debug("not served", metadata: ["why": "\(error)"])
      return nil
    }
    if spec.expectsLogin { connection.setDeadline(in: settings.timeBeforeLogin) }
    return connection
  }

  private func converse(_ connection: Connection) async {
    var endedEarly = false
    do {
      try await handler.serve(connection)
    } catch {
      endedEarly = true
      note(error, connection)
    }
    guard !connection.isClosed else { return }
    await connection.finishOutput(within: settings.farewellTimeout)
    await connection.linger(always: endedEarly)
  }

  private func note(_ error: any Error, _ connection: Connection) {
    guard let end = error as? ConnectionError else {
      return connection.log.error("session failed", metadata: ["why": "\(error)"])
    }
    connection.log.debug("session ended", metadata: ["why": "\(end)"])
    if case .tls = end { table.count { $0.failedHandshakes += 1 } }
  }

  private func handshake(_ connection: Connection) async throws {
    do {
      try await connection.startImplicitTLS()
      table.count { $0.handshakes += 1 }
    } catch {
      table.count { $0.failedHandshakes += 1 }
      throw error
    }
  }

  private func refuse(_ refusal: ConnectionRefusal, _ connection: Connection) async {
    table.count { $0.refused += 1 }
    // A handshake is what a flood wants; over implicit TLS the refusal is silent.
    guard !spec.implicitTLS, let text = handler.refusal(refusal) else { return }
    connection.write(text)
    await connection.finishOutput(within: settings.lingerTimeout)
  }

  private func makeConnection(_ endpoints: Endpoints) -> Connection {
    Connection(entry, endpoints: endpoints, settings: settings, tls: tls, log: log, executor: executor)
  }

  /// Reads the header and gives a connection with the addresses it names.
  private func readProxyHeader(_ connection: Connection) async throws -> Connection {
    connection.setDeadline(in: settings.handshakeTimeout)
    var header: ProxyHeader?
    while header == nil {
      let more = try await connection.consume(timeout: settings.handshakeTimeout) { octets in
        switch try ProxyHeader.parse(octets) {
        case .incomplete: return 0
        case .complete(let found, let length):
          header = found
          return length
        }
      }
      guard more else { throw ConnectionError.closed }
    }
    guard case .proxied(let source, let sourcePort, let destination, let destinationPort)? = header else {
      connection.deadline = nil
      return connection
    }
    let told = Endpoints(peer: source, peerPort: sourcePort, local: destination, localPort: destinationPort)
    let renamed = makeConnection(told)
    renamed.input = connection.input
    return renamed
  }
}
