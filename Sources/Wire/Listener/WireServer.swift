import Basics
import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// All listeners of the host and the sessions behind them.
///
/// ```swift
/// let server = WireServer(tls: certificates, time: SystemTime(), log: log)
/// let bound = try await server.listen(spec, handler: POP3Service(…))
/// …
/// await server.drain(within: .seconds(20))
/// ```
/// Every connection has a task of its own; all of them are children of one group, which `drain` waits for.
package final class WireServer: Sendable {
  private struct State {
    var listeners: [any Channel] = []
    var isDraining = false
  }

  /// The limits it was made with.
  package var settings: WireSettings { current.withLock { $0 } }
  private let current: Mutex<WireSettings>
  private let group: MultiThreadedEventLoopGroup
  private let tls: TLSCertificates?
  private let time: any TimeSource
  private let log: Logger
  private let table: SessionTable
  private let state = Mutex(State())
  private let nextNumber = Atomic<UInt64>(1)
  private let idPrefix: String
  private let executors: [ObjectIdentifier: LoopExecutor]
  private let incoming: AsyncStream<SessionRunner>.Continuation
  private let sessionsEnd: Task<Void, Never>

  /// Makes a server without listeners; the process's limit of open files is raised as far as it goes.
  ///
  /// - Parameters:
  ///   - tls: certificates for STARTTLS and implicit TLS; `nil` where none are configured.
  ///   - group: the event loops to use; by default the process's own, as many as there are cores.
  package init(
    settings: WireSettings = WireSettings(), tls: TLSCertificates?, time: any TimeSource, log: Logger,
    group: MultiThreadedEventLoopGroup = .singleton
  ) {
    current = Mutex(settings)
    self.tls = tls
    self.time = time
    self.log = log
    self.group = group
    table = SessionTable(settings: settings, descriptors: DescriptorLimit.raise())
    idPrefix = String(UInt64(bitPattern: time.now.seconds) & 0xff_ffff, radix: 36)
    var executors: [ObjectIdentifier: LoopExecutor] = [:]
    for loop in group.makeIterator() { executors[ObjectIdentifier(loop)] = LoopExecutor(loop) }
    self.executors = executors
    // Unbounded here; SessionTable bounds the connections that exist.
    let (stream, incoming) = AsyncStream.makeStream(of: SessionRunner.self)
    self.incoming = incoming
    sessionsEnd = Task {
      await withDiscardingTaskGroup { sessions in
        for await runner in stream {
          sessions.addTask(executorPreference: runner.executor) { await runner.run() }
        }
      }
    }
  }

  /// Takes over other limits for the connections to come (SIGHUP); threads and descriptors stay as they are.
  package func update(_ settings: WireSettings) {
    current.withLock { $0 = settings }
    table.update(settings)
  }

  /// Binds all addresses of a service and begins to accept; on failure none of them stays bound.
  ///
  /// - Throws: `ListenError` with one line to show.
  package func listen(_ spec: ListenerSpec, handler: any ConnectionHandler) async throws -> [BoundAddress] {
    if spec.implicitTLS, tls == nil { throw ListenError(text: "\(spec.name): implicit TLS needs a certificate") }
    var channels: [any Channel] = []
    var bound: [BoundAddress] = []
    do {
      for (host, port) in spec.addresses {
        let channel = try await bind(host, port, spec: spec, handler: handler)
        channels.append(channel)
        guard let local = channel.localAddress, let address = IPAddress(local), let port = local.port else {
          throw ListenError(text: "\(spec.name): cannot tell where \(host):\(port) is bound")
        }
        bound.append(BoundAddress(listener: spec.name, address: address, port: port))
      }
    } catch {
      for channel in channels { try? await channel.close() }
      throw error
    }
    let opened = channels
    let isDraining = state.withLock { state in
      state.listeners += opened
      return state.isDraining
    }
    if isDraining {
      for channel in channels { try? await channel.close() }
      throw ListenError(text: "\(spec.name): the server is shutting down")
    }
    return bound
  }

  /// Stops listening, tells waiting sessions (`ConnectionError.shuttingDown`), waits for them, and closes what is left.
  ///
  /// Comes back when every session's task has ended. The server cannot be used again.
  ///
  /// - Parameter limit: how long sessions may take to finish.
  package func drain(within limit: Duration) async {
    table.beginDraining()
    let listeners = state.withLock { state in
      state.isDraining = true
      defer { state.listeners = [] }
      return state.listeners
    }
    for listener in listeners { try? await listener.close() }
    for entry in table.all { entry.notify(.shuttingDown) }
    let table = self.table
    let sessionsEnd = self.sessionsEnd
    let timer = group.next().scheduleTask(in: TimeAmount(limit)) {
      for entry in table.all { entry.channel.close(promise: nil) }
      sessionsEnd.cancel()
    }
    await table.waitUntilEmpty()
    timer.cancel()
    incoming.finish()
    await sessionsEnd.value
  }

  /// Ends the sessions of an account; their next read throws `.ended(reason:)`.
  ///
  /// - Returns: how many there were.
  @discardableResult
  package func endSessions(account: Int64, reason: String) -> Int {
    end(reason) { entry in entry.state.withLock { $0.account == account } }
  }

  /// Ends the sessions of a network on the named listeners (blacklist).
  ///
  /// - Returns: how many there were.
  @discardableResult
  package func endSessions(network: IPNetwork, listeners: Set<String>, reason: String) -> Int {
    end(reason) { entry in
      listeners.contains(entry.listener) && entry.state.withLock { network.contains($0.peer) }
    }
  }

  /// The open sessions, for `martinet status`.
  package func sessions() -> [SessionInfo] { table.all.map(\.info) }

  /// Counts since start and now.
  package var counts: WireCounts { table.counts }

  private func end(_ reason: String, where matches: (SessionEntry) -> Bool) -> Int {
    let entries = table.all.filter(matches)
    for entry in entries { entry.end(reason) }
    return entries.count
  }

  private func bind(
    _ host: String, _ port: Int, spec: ListenerSpec, handler: any ConnectionHandler
  ) async throws -> any Channel {
    guard let address = IPAddress(host), (0...65_535).contains(port) else {
      throw ListenError(text: "\(spec.name): \(host):\(port) is not an address to listen on")
    }
    var bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: settings.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { [log] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptPause(listener: spec.name, log: log))
        }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.socketOption(.so_keepalive), value: 1)
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 32_768)
      )
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 32_768, high: 65_536))
      .childChannelInitializer { [weak self] channel in
        channel.eventLoop.makeCompletedFuture { try self?.prepare(channel, spec: spec, handler: handler) }
      }
    if case .v6 = address {
      // Else [::] takes IPv4 too, and 0.0.0.0 beside it cannot be bound.
      bootstrap = bootstrap.serverChannelOption(
        ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
    }
    do {
      return try await bootstrap.bind(to: SocketAddress(ipAddress: host, port: port)).get()
    } catch {
      let code = (error as? IOError)?.errnoCode
      let reason = code.map { String(cString: strerror($0)) } ?? "\(error)"
      throw ListenError(
        text: "\(spec.name): cannot listen on \(address.withPort(port)): \(reason)\(ListenError.remedy(code))")
    }
  }

  private func prepare(_ channel: any Channel, spec: ListenerSpec, handler: any ConnectionHandler) throws {
    guard let peer = channel.remoteAddress, let peerAddress = IPAddress(peer), let local = channel.localAddress,
      let localAddress = IPAddress(local), let executor = executors[ObjectIdentifier(channel.eventLoop)]
    else {
      throw ChannelError.ioOnClosedChannel
    }
    let number = nextNumber.wrappingAdd(1, ordering: .relaxed).oldValue
    let endpoints = Endpoints(
      peer: peerAddress, peerPort: peer.port ?? 0, local: localAddress, localPort: local.port ?? 0)
    let gate = InputGate(channel: channel, settings: settings)
    let entry = SessionEntry(
      number: number, id: "\(idPrefix)-\(String(number, radix: 36))", listener: spec.name, since: time.now,
      peer: peerAddress, channel: channel, gate: NIOLoopBound(gate, eventLoop: channel.eventLoop), table: table)
    let runner = SessionRunner(
      entry: entry, endpoints: endpoints, spec: spec, handler: handler, settings: settings, tls: tls, log: log,
      table: table, executor: settings.tasksOnEventLoops ? executor : nil)
    let incoming = self.incoming
    let table = self.table
    gate.onActive = {
      runner.refusal = table.enter(entry)
      if case .terminated = incoming.yield(runner) {
        table.leave(entry)
        channel.close(promise: nil)
      }
    }
    try channel.pipeline.syncOperations.addHandler(gate)
  }
}
