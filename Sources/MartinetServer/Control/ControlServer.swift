import Logging
import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// Answers the command line on a UNIX socket that only the server's own user can open.
///
/// One request is one line; the answer is lines of tab-separated fields, after which the server closes.
final class ControlServer: Sendable {
  /// Answers a request; the fields must hold neither tab nor newline.
  typealias Answer = @Sendable (_ request: String) async -> [[String]]

  private let channel: any Channel

  private init(channel: any Channel) { self.channel = channel }

  /// Listens; a stale socket of a killed server is removed first (the data folder's lock says that it is stale).
  static func listen(path: String, group: any EventLoopGroup, log: Logger, answer: @escaping Answer) async throws
    -> ControlServer
  {
    guard ControlSocket.address(path) != nil else {
      throw SetupError("the control socket's path is longer than 107 octets: \(path); use a shorter data folder")
    }
    unlink(path)
    let before = umask(0o077)
    defer { umask(before) }
    let channel = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ControlHandler(answer: answer))
        }
      }
      .bind(unixDomainSocketPath: path).get()
    return ControlServer(channel: channel)
  }

  /// Stops listening and removes the socket.
  func close(path: String) async {
    try? await channel.close().get()
    unlink(path)
  }
}

/// Collects one line of a control connection and answers it.
private final class ControlHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let longestRequest = 4096
  private var line: [UInt8] = []
  private var answered = false
  private let answer: ControlServer.Answer

  init(answer: @escaping ControlServer.Answer) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !answered else { return }
    line.append(contentsOf: unwrapInboundIn(data).readableBytesView)
    guard line.count <= Self.longestRequest else {
      context.close(promise: nil)
      return
    }
    guard let end = line.firstIndex(of: 0x0a) else { return }
    answered = true
    let request = String(decoding: line[..<end], as: UTF8.self)
    let channel = context.channel
    let answer = self.answer
    Task {
      let rows = await answer(request)
      let text = rows.map { $0.joined(separator: "\t") + "\n" }.joined()
      var buffer = channel.allocator.buffer(capacity: text.utf8.count)
      buffer.writeString(text)
      try? await channel.writeAndFlush(buffer).get()
      try? await channel.close().get()
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
