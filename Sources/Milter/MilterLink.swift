import Basics
import NIOCore
import NIOPosix

/// Why a filter cannot be used.
struct MilterFailure: Error, Sendable {
  let text: String
}

/// The connection to one filter: packets out, packets in, each within its time.
final class MilterLink: Sendable {
  private let channel: any Channel
  private let handler: NIOLoopBound<PacketHandler>

  private init(channel: any Channel, handler: NIOLoopBound<PacketHandler>) {
    self.channel = channel
    self.handler = handler
  }

  static func open(
    _ settings: MilterSettings, group: any EventLoopGroup
  ) async throws(MilterFailure) -> MilterLink {
    let loop = group.next()
    let handler = NIOLoopBoundBox.makeBoxSendingValue(
      PacketHandler(limit: settings.packetLimit, waiting: settings.changeLimit), eventLoop: loop)
    let bootstrap = ClientBootstrap(group: loop)
      .connectTimeout(settings.connectTimeout.timeAmount)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(handler.value)
        }
      }
    do {
      let channel: any Channel =
        switch settings.endpoint {
        case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
        case .inet(let host, let port): try await bootstrap.connect(host: host, port: port).get()
        }
      let bound = try await loop.submit { NIOLoopBound(handler.value, eventLoop: loop) }.get()
      return MilterLink(channel: channel, handler: bound)
    } catch {
      throw MilterFailure(text: "cannot connect to \(settings.endpoint): \(error)")
    }
  }

  /// Sends packets without waiting for answers, but for the system to take them.
  func send(_ packets: [MilterPacket], within time: Duration) async throws(MilterFailure) {
    var buffer = channel.allocator.buffer(capacity: packets.reduce(0) { $0 + $1.data.count + 5 })
    for packet in packets { buffer.writeBytes(packet.wire) }
    let channel = self.channel
    let limit = channel.eventLoop.scheduleTask(in: time.timeAmount) { channel.close(promise: nil) }
    defer { limit.cancel() }
    do {
      try await channel.writeAndFlush(buffer).get()
    } catch {
      throw MilterFailure(text: "cannot write: \(error)")
    }
  }

  /// The next packet.
  func receive(within time: Duration) async throws(MilterFailure) -> MilterPacket {
    let (channel, handler) = (self.channel, self.handler)
    do {
      return try await withTaskCancellationHandler {
        try await channel.eventLoop.flatSubmit {
          handler.value.next(on: channel.eventLoop, within: time.timeAmount)
        }.get()
      } onCancel: {
        channel.close(promise: nil)
      }
    } catch let failure as MilterFailure {
      throw failure
    } catch {
      throw MilterFailure(text: "\(error)")
    }
  }

  /// Ends the connection.
  func close() { channel.close(promise: nil) }
}

/// Cuts packets out of the stream, on the event loop; one caller waits at a time.
private final class PacketHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let limit: Int
  private let most: Int
  private var buffer = ByteBuffer()
  private var packets: [MilterPacket] = []
  private var waiter: EventLoopPromise<MilterPacket>?
  private var deadline: Scheduled<Void>?
  private var failure: MilterFailure?

  init(limit: Int, waiting: Int) {
    self.limit = limit
    most = waiting
  }

  func next(on loop: any EventLoop, within time: TimeAmount) -> EventLoopFuture<MilterPacket> {
    let promise = loop.makePromise(of: MilterPacket.self)
    if !packets.isEmpty {
      promise.succeed(packets.removeFirst())
    } else if let failure {
      promise.fail(failure)
    } else if waiter != nil {
      promise.fail(MilterFailure(text: "two tasks read one filter"))
    } else {
      waiter = promise
      let bound = NIOLoopBound(self, eventLoop: loop)
      deadline = loop.scheduleTask(in: time) { bound.value.fail("no answer in time") }
    }
    return promise.futureResult
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var chunk = unwrapInboundIn(data)
    buffer.writeBuffer(&chunk)
    while let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) {
      guard length > 0, length <= limit, packets.count < most else {
        fail("a packet of \(length) octets, or too many packets")
        context.close(promise: nil)
        return
      }
      guard buffer.readableBytes >= 4 + Int(length) else { break }
      buffer.moveReaderIndex(forwardBy: 4)
      guard let bytes = buffer.readBytes(length: Int(length)), let command = bytes.first else { break }
      packets.append(MilterPacket(command, Array(bytes.dropFirst())))
    }
    buffer.discardReadBytes()
    if let waiter, !packets.isEmpty {
      finishWaiting()
      waiter.succeed(packets.removeFirst())
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail("the filter closed the connection")
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail("\(error)")
    context.close(promise: nil)
  }

  private func finishWaiting() {
    waiter = nil
    deadline?.cancel()
    deadline = nil
  }

  private func fail(_ text: String) {
    if failure == nil { failure = MilterFailure(text: text) }
    let waiting = waiter
    finishWaiting()
    if let failure { waiting?.fail(failure) }
  }
}

extension Duration {
  /// The duration for an event loop's timer.
  var timeAmount: TimeAmount { .milliseconds(max(1, wholeMilliseconds)) }
}
