import NIOCore
import NIOPosix
import NIOSSL

/// A plain network client for protocol tests: sends octets, waits for lines, upgrades to TLS.
///
/// ```swift
/// let client = try await LoopbackClient.connect(port: port)
/// try await client.expect("220 ")
/// try await client.sendLine("STARTTLS")
/// try await client.expect("220 ")
/// try await client.startTLS(serverName: "mail.example.test")
/// ```
/// One task uses it at a time. Every wait has a limit and fails with the transcript so far.
package final class LoopbackClient: Sendable {
  private let channel: any Channel
  private let inbox: ClientInbox

  private init(channel: any Channel, inbox: ClientInbox) {
    self.channel = channel
    self.inbox = inbox
  }

  /// Connects.
  ///
  /// - Parameters:
  ///   - implicitTLS: begins with a handshake (465, 993, 995).
  ///   - serverName: the name asked for by SNI.
  ///   - from: local address to connect from, 127.0.0.2 for instance.
  package static func connect(
    host: String = "127.0.0.1", port: Int, implicitTLS: Bool = false, serverName: String? = "localhost",
    from local: String? = nil
  ) async throws -> LoopbackClient {
    let inbox = ClientInbox()
    var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ClientInboxHandler(inbox))
        }
      }
    if let local { bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: local, port: 0)) }
    let channel = try await bootstrap.connect(host: host, port: port).get()
    let client = LoopbackClient(channel: channel, inbox: inbox)
    if implicitTLS { try await client.startTLS(serverName: serverName) }
    return client
  }

  /// Sends octets.
  package func send(_ bytes: [UInt8]) async throws {
    inbox.note("C: " + String(decoding: bytes.prefix(400), as: UTF8.self))
    try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
  }

  /// Sends text as it is.
  package func send(_ text: String) async throws { try await send(Array(text.utf8)) }

  /// Sends one line and its CRLF.
  package func sendLine(_ line: String) async throws { try await send(line + "\r\n") }

  /// Sends one line and gives the next line that comes.
  package func command(_ line: String) async throws -> String {
    try await sendLine(line)
    return try await self.line()
  }

  /// The next line without its CRLF; fails at the end of input.
  package func line(timeout: Duration = .seconds(15)) async throws -> String {
    guard let line = try await lineOrEnd(timeout: timeout) else { throw failure("the connection ended") }
    return line
  }

  /// The next line without its CRLF; `nil` at the end of input.
  package func lineOrEnd(timeout: Duration = .seconds(15)) async throws -> String? {
    let deadline = ContinuousClock.now + timeout
    while true {
      switch inbox.takeLine() {
      case .line(let bytes):
        let text = String(decoding: bytes, as: UTF8.self)
        inbox.note("S: " + text)
        return text
      case .end: return nil
      case .wait: try await pause(until: deadline)
      }
    }
  }

  /// The next line, which has to begin with `prefix`.
  @discardableResult
  package func expect(_ prefix: String, timeout: Duration = .seconds(15)) async throws -> String {
    let line = try await self.line(timeout: timeout)
    guard line.hasPrefix(prefix) else { throw failure("expected \(prefix)…, got \(line)") }
    return line
  }

  /// An SMTP reply of one or more lines (`250-…` through `250 …`).
  package func reply(timeout: Duration = .seconds(15)) async throws -> [String] {
    var lines: [String] = []
    repeat {
      lines.append(try await line(timeout: timeout))
    } while lines.last.map { $0.utf8.dropFirst(3).first == UInt8(ascii: "-") } == true
    return lines
  }

  /// The lines through the first that fits, which is the last one given (a tagged IMAP reply, a lone dot).
  package func lines(timeout: Duration = .seconds(15), through last: (String) -> Bool) async throws -> [String] {
    var lines: [String] = []
    while true {
      let line = try await self.line(timeout: timeout)
      lines.append(line)
      if last(line) { return lines }
    }
  }

  /// Exactly so many octets.
  package func bytes(_ count: Int, timeout: Duration = .seconds(15)) async throws -> [UInt8] {
    let deadline = ContinuousClock.now + timeout
    while true {
      if let bytes = inbox.take(count) { return bytes }
      if inbox.isAtEnd { throw failure("the connection ended before \(count) octets") }
      try await pause(until: deadline)
    }
  }

  /// All that comes until the end of input.
  package func bytesToEnd(timeout: Duration = .seconds(15)) async throws -> [UInt8] {
    let deadline = ContinuousClock.now + timeout
    while !inbox.isAtEnd { try await pause(until: deadline) }
    return inbox.take(inbox.count) ?? []
  }

  /// Waits until the server has closed its side; fails when anything more comes.
  package func expectEnd(timeout: Duration = .seconds(15)) async throws {
    let rest = try await bytesToEnd(timeout: timeout)
    guard rest.isEmpty else { throw failure("expected the end, got \(String(decoding: rest, as: UTF8.self))") }
  }

  /// Whether nothing comes within the given time.
  package func isSilent(for duration: Duration = .milliseconds(300)) async throws -> Bool {
    try await Task.sleep(for: duration)
    return inbox.count == 0 && !inbox.isAtEnd
  }

  /// Does a TLS handshake, accepting any certificate; the protocol's command and reply come before it.
  package func startTLS(
    serverName: String? = "localhost", maximumVersion: TLSVersion? = nil, timeout: Duration = .seconds(15)
  ) async throws {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.certificateVerification = .none
    configuration.minimumTLSVersion = .tlsv1
    configuration.maximumTLSVersion = maximumVersion
    let context = try NIOSSLContext(configuration: configuration)
    let inbox = self.inbox
    let channel = self.channel
    try await channel.eventLoop.submit {
      let handler = try NIOSSLClientHandler(context: context, serverHostname: serverName)
      try channel.pipeline.syncOperations.addHandler(handler, position: .first)
    }.get()
    let deadline = ContinuousClock.now + timeout
    while !inbox.isSecure {
      if inbox.isAtEnd { throw failure("TLS handshake failed: \(inbox.errorText)") }
      try await pause(until: deadline)
    }
    inbox.note("-- TLS")
  }

  /// The leaf certificate the server has shown, DER.
  package func serverCertificate() async throws -> [UInt8]? {
    let channel = self.channel
    return try await channel.eventLoop.submit {
      try channel.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self).peerCertificate?.toDERBytes()
    }.get()
  }

  /// Closes the sending side only; the server sees the end of input and can still answer.
  package func finishSending() async throws { try await channel.close(mode: .output).get() }

  /// Stops reading, as a client does that hangs; `false` goes on.
  package func setReading(_ reading: Bool) async throws {
    try await channel.setOption(.autoRead, value: reading).get()
  }

  /// Closes; errors do not matter.
  package func close() async { try? await channel.close().get() }

  /// What was said so far.
  package var transcript: String { inbox.transcript }

  private func failure(_ text: String) -> TestFailure { TestFailure("\(text)\n\(transcript)") }

  private func pause(until deadline: ContinuousClock.Instant) async throws {
    guard ContinuousClock.now < deadline else { throw failure("nothing more came in time") }
    let timer = channel.eventLoop.scheduleTask(deadline: .now() + .milliseconds(500)) { [inbox] in inbox.wake() }
    await inbox.wait()
    timer.cancel()
  }
}
