import Basics
import Glibc
import Logging
import Wire
import WireTesting

/// Measures the wire alone: processor time per command, and memory per idle connection.
///
/// `wire-bench serve` is the server, a child process, so that its figures hold nothing of the client's.
/// `wire-bench` starts it and prints one line for each measurement.
@main
enum WireBench {
  static func main() async throws {
    DescriptorLimit.raise()
    if CommandLine.arguments.dropFirst().first == "serve" { return try await serve() }
    let server = try Server()
    defer { server.stop() }
    for (name, depth) in [("unpipelined", 1), ("50 pipelined", 50)] {
      let before = server.processorTime
      let commands = try await Load(port: server.clear, depth: depth, connections: 50, seconds: 4).run()
      let spent = (server.processorTime - before) / Double(commands) * 1_000_000
      print("commands, \(name), 50 connections: \(commands / 4)/s, \(rounded(spent)) us of processor time each")
    }
    for (name, count, tls) in [("clear", 4000, false), ("TLS", 2000, true)] {
      // A server of its own, whose allocator has no freed memory to hand out.
      let server = try Server()
      defer { server.stop() }
      let port = tls ? server.secure : server.clear
      let before = server.residentKiB
      let processorBefore = server.processorTime
      var clients: [LoopbackClient] = []
      for _ in 0..<count {
        let client = try await LoopbackClient.connect(port: port, implicitTLS: tls)
        try await client.expect("220")
        _ = try await client.command("NOOP")
        clients.append(client)
      }
      try await Task.sleep(for: .seconds(1))
      let spent = (server.processorTime - processorBefore) / Double(count) * 1000
      let memory = Double(server.residentKiB - before) / Double(count)
      print("idle, \(name), \(count) connections: \(rounded(memory)) KiB each; \(rounded(spent)) ms to connect")
      for client in clients { await client.close() }
    }
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

  private static func serve() async throws {
    var log = Logger(label: "bench")
    log.logLevel = .critical
    var settings = WireSettings()
    settings.connectionsPerAddress = 100_000
    settings.pendingPerAddress = 100_000
    settings.pendingConnections = 100_000
    settings.timeBeforeLogin = .seconds(3600)
    let certificate = try TestCertificate()
    let server = WireServer(
      settings: settings, tls: try TLSCertificates([certificate.files]), time: SystemTime(), log: log)
    let clear = try await server.listen(ListenerSpec(name: "clear", addresses: [("127.0.0.1", 0)]), handler: Answers())
    let secure = try await server.listen(
      ListenerSpec(name: "secure", addresses: [("127.0.0.1", 0)], implicitTLS: true), handler: Answers())
    print("\(clear.first?.port ?? 0) \(secure.first?.port ?? 0)")
    fflush(nil)
    // The parent's end of the pipe is the sign to stop.
    while readLine() != nil {}
  }
}

/// Answers every line.
struct Answers: ConnectionHandler {
  func serve(_ connection: Connection) async throws {
    connection.write("220 ready\r\n")
    while try await connection.readLine(limit: 512, timeout: .seconds(3600)) != nil {
      connection.write("250 2.0.0 Ok\r\n")
    }
  }
  func refusal(_ reason: ConnectionRefusal) -> [UInt8]? { nil }
}

/// The server as a child process.
final class Server {
  let clear: Int
  let secure: Int
  private let process: pid_t
  private let control: CInt

  init() throws {
    var input: [CInt] = [0, 0]
    var output: [CInt] = [0, 0]
    guard pipe(&input) == 0, pipe(&output) == 0 else { throw TestFailure("no pipe") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, input[0], 0)
    posix_spawn_file_actions_adddup2(&actions, output[1], 1)
    for descriptor in input + output { posix_spawn_file_actions_addclose(&actions, descriptor) }
    let path = CommandLine.arguments[0]
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(path), strdup("serve"), nil]
    defer { for argument in arguments { free(argument) } }
    var child: pid_t = 0
    guard posix_spawn(&child, path, &actions, nil, &arguments, environ) == 0 else { throw TestFailure("no child") }
    close(input[0])
    close(output[1])
    var text = [UInt8](repeating: 0, count: 64)
    let count = read(output[0], &text, text.count)
    let ports = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard ports.count == 2, let clear = Int(ports[0]), let secure = Int(ports[1]) else { throw TestFailure("no ports") }
    self.clear = clear
    self.secure = secure
    process = child
    control = input[1]
  }

  func stop() {
    close(control)
    var status: CInt = 0
    waitpid(process, &status, 0)
  }

  /// Seconds of processor time the child has used.
  var processorTime: Double {
    let fields = file("stat").split(separator: " ")
    guard fields.count > 15, let user = Double(fields[13]), let system = Double(fields[14]) else { return 0 }
    return (user + system) / Double(sysconf(CInt(_SC_CLK_TCK)))
  }

  /// The child's resident memory.
  var residentKiB: Int {
    let fields = file("statm").split(separator: " ")
    guard fields.count > 2, let pages = Int(fields[1]) else { return 0 }
    return pages * 4
  }

  private func file(_ name: String) -> String {
    guard let stream = fopen("/proc/\(process)/\(name)", "r") else { return "" }
    defer { fclose(stream) }
    var text = [UInt8](repeating: 0, count: 4096)
    let count = fread(&text, 1, text.count, stream)
    return String(decoding: text.prefix(count), as: UTF8.self)
  }
}

/// Blocking clients on threads of their own, which cost little and wait for every batch's replies.
struct Load {
  let port: Int
  let depth: Int
  let connections: Int
  let seconds: Int

  func run() async throws -> Int {
    let load = self
    return await withTaskGroup(of: Int.self) { group in
      group.addTask {
        await withCheckedContinuation { continuation in
          startThread { continuation.resume(returning: load.drive()) }
        }
      }
      return await group.reduce(0, +)
    }
  }

  /// One thread that keeps all connections busy: write to each, then read from each.
  private func drive() -> Int {
    var sockets: [CInt] = []
    for _ in 0..<connections {
      let socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
      var one: CInt = 1
      setsockopt(socket, CInt(IPPROTO_TCP), TCP_NODELAY, &one, 4)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(UInt16(port).bigEndian)
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard connected == 0 else { return 0 }
      sockets.append(socket)
      _ = readLines(socket, 1)
    }
    defer { for socket in sockets { close(socket) } }
    let batch = Array(String(repeating: "NOOP\r\n", count: depth).utf8)
    var done = 0
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      for socket in sockets { _ = write(socket, batch, batch.count) }
      for socket in sockets { done += readLines(socket, depth) }
    }
    return done
  }

  private func readLines(_ socket: CInt, _ count: Int) -> Int {
    var lines = 0
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while lines < count {
      let got = read(socket, &buffer, buffer.count)
      if got <= 0 { return lines }
      for octet in buffer[..<got] where octet == 0x0a { lines += 1 }
    }
    return lines
  }
}

/// Runs a closure on a new thread.
func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let box = Unmanaged.passRetained(Box(body))
  pthread_create(
    &thread, nil,
    { raw in
      if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body() }
      return nil
    }, box.toOpaque())
  pthread_detach(thread)
}
