import Accounts
import Basics
import Configuration
import Delivery
import DNSResolver
import Logging
import NIOPosix
import ServiceLifecycle
import UnixSignals
import Wire

#if canImport(Glibc)
  import Glibc
#endif

/// The composition root: builds every service once, starts them in order and stops them in the reverse order.
package struct MartinetServer: Sendable {
  private let configuration: Configuration
  private let time: any TimeSource

  /// How long sessions may take to end after SIGTERM.
  static let drainTime = Duration.seconds(10)

  /// Makes a server that does nothing yet.
  package init(configuration: Configuration, time: any TimeSource = SystemTime()) {
    self.configuration = configuration
    self.time = time
  }

  /// Serves until SIGTERM or SIGINT.
  ///
  /// - Parameter onReady: called once, when every listener accepts.
  /// - Throws: `SetupError`, `ListenError`, `TLSFileError` or a room's error, each one line, when it cannot start.
  package func run(onReady: @escaping @Sendable () -> Void) async throws {
    let folder = DataFolder(path: configuration.data)
    try folder.prepare()
    let lock = try folder.lockForServing()
    defer { close(lock) }
    let level = Logger.Level(rawValue: configuration.logLevel) ?? .info
    let log = Logger(label: "martinet") { LineLogHandler(label: $0, level: level) }
    let rooms = try await HostRooms.open(configuration, queueRole: .server, time: time, logLevel: level)
    let host = try RunningHost(rooms: rooms, time: time, level: level)
    try await host.listen()
    let socket = ControlSocket.path(data: folder.path)
    let control = try await ControlServer.listen(
      path: socket, group: MultiThreadedEventLoopGroup.singleton, log: log
    ) { await host.answer($0) }
    log.notice("serving", metadata: ["hostname": "\(configuration.hostname)", "pid": "\(getpid())"])
    onReady()
    var group = ServiceGroupConfiguration(
      services: host.services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
    group.maximumGracefulShutdownDuration = Self.drainTime + .seconds(20)
    let result: Result<Void, any Error>
    do {
      try await ServiceGroup(configuration: group).run()
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await control.close(path: socket)
    await host.close()
    log.notice("stopped")
    try result.get()
  }
}

/// A part of the host that runs until the server stops, as the life-cycle library wants it.
struct HostService: Service {
  let name: String
  let body: @Sendable () async throws -> Void

  func run() async throws { try await body() }
}
