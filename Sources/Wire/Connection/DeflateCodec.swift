import CZlib
import NIOCore

/// Both directions of a connection under COMPRESS=DEFLATE (RFC 4978): raw DEFLATE (RFC 1951), flushed with each write.
///
/// What comes is inflated only as it is asked for, so that a session's limits hold whatever the octets may grow to.
/// While the connection is silent the codec sleeps: the compressor is given back whole (its next blocks refer to nothing
/// before them), of the decompressor only the octets stay that the peer may still refer to.
final class DeflateCodec {
  private typealias Stream = UnsafeMutablePointer<z_stream>

  private let level: Int32
  private var inflater: Stream?
  private var deflater: Stream?
  /// Octets the peer's next blocks may refer to, while the decompressor sleeps.
  private var history: [UInt8] = []
  /// Compressed octets that wait.
  private var pending = ByteBuffer()
  /// Whether the decompressor may hold octets it had no room to give.
  private var mayHoldMore = false
  /// Whether the peer's stream has come to its end.
  private(set) var hasEnded = false
  /// Set before the last octets are compressed: they end our stream.
  var isFinishing = false
  /// Whether there is memory to give back.
  private(set) var isAwake = true

  /// zlib's memory: 2^13 octets of window and a small hash make 64 KiB while awake.
  private static let windowBits: Int32 = 13
  private static let memoryLevel: Int32 = 6
  /// The peer may use the largest window (RFC 4978 section 3).
  private static let inflateWindowBits: Int32 = 15
  private static let inflateWindow = 1 << 15

  /// Makes a codec at the beginning of both streams; `nil` without memory.
  init?(level: Int32) {
    self.level = min(9, max(1, level))
    guard wake(), makeDeflater() else {
      release()
      return nil
    }
  }

  deinit { release() }

  /// Whether nothing of zlib's memory is held.
  var isHibernating: Bool { inflater == nil && deflater == nil }

  /// Whether octets wait to be inflated.
  var holdsInput: Bool { pending.readableBytes > 0 || mayHoldMore }

  /// Takes compressed octets.
  func add(_ buffer: ByteBuffer) {
    guard buffer.readableBytes > 0 else { return }
    if pending.readableBytes == 0 {
      pending = buffer
    } else {
      var more = buffer
      pending.discardReadBytes()
      pending.writeBuffer(&more)
    }
  }

  /// Inflates at most so many octets; `nil` when more has to come first.
  ///
  /// - Throws: `ConnectionError.damagedStream`.
  func inflate(most: Int) throws(ConnectionError) -> ByteBuffer? {
    guard holdsInput else { return nil }
    guard !hasEnded, wake(), let inflater else { throw .damagedStream }
    var result = ByteBuffer()
    var code = Z_OK
    let taken = pending.withUnsafeReadableBytes { octets in
      inflater.pointee.next_in = UnsafeMutablePointer(mutating: octets.bindMemory(to: UInt8.self).baseAddress)
      inflater.pointee.avail_in = UInt32(clamping: octets.count)
      result.writeWithUnsafeMutableBytes(minimumWritableBytes: most) { space in
        let room = min(space.count, most)
        inflater.pointee.next_out = space.bindMemory(to: UInt8.self).baseAddress
        inflater.pointee.avail_out = UInt32(clamping: room)
        code = CZlib.inflate(inflater, Z_SYNC_FLUSH)
        return room - Int(inflater.pointee.avail_out)
      }
      return octets.count - Int(inflater.pointee.avail_in)
    }
    mayHoldMore = inflater.pointee.avail_out == 0
    inflater.pointee.next_in = nil
    inflater.pointee.next_out = nil
    pending.moveReaderIndex(forwardBy: taken)
    if pending.readableBytes == 0 { pending = ByteBuffer() }
    switch code {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END:
      hasEnded = true
      mayHoldMore = false
    default: throw .damagedStream
    }
    return result.readableBytes > 0 ? result : nil
  }

  /// Compresses octets so that the peer can read all of them at once.
  ///
  /// - Returns: `nil` when there is no memory; the connection then cannot go on.
  func deflate(_ buffer: ByteBuffer, allocator: ByteBufferAllocator) -> ByteBuffer? {
    isAwake = true
    guard makeDeflater(), let deflater else { return nil }
    var result = allocator.buffer(capacity: buffer.readableBytes / 3 + 64)
    buffer.withUnsafeReadableBytes { octets in
      deflater.pointee.next_in = UnsafeMutablePointer(mutating: octets.bindMemory(to: UInt8.self).baseAddress)
      deflater.pointee.avail_in = UInt32(clamping: octets.count)
      repeat {
        result.writeWithUnsafeMutableBytes(minimumWritableBytes: 4096) { space in
          deflater.pointee.next_out = space.bindMemory(to: UInt8.self).baseAddress
          deflater.pointee.avail_out = UInt32(clamping: space.count)
          _ = CZlib.deflate(deflater, isFinishing ? Z_FINISH : Z_SYNC_FLUSH)
          return space.count - Int(deflater.pointee.avail_out)
        }
      } while deflater.pointee.avail_out == 0
    }
    deflater.pointee.next_in = nil
    deflater.pointee.next_out = nil
    return result
  }

  /// What came behind the end of the peer's stream, or waits to be inflated.
  func takeRest() -> ByteBuffer {
    defer { pending = ByteBuffer() }
    return pending
  }

  /// Gives back what memory can be spared until the next octet.
  func sleep() {
    isAwake = false
    if let deflater {
      deflateEnd(deflater)
      Self.free(deflater)
    }
    deflater = nil
    guard let inflater, !holdsInput, !hasEnded else { return }
    // Only between two blocks, at a whole octet, can another decompressor take over: bit 7 says the one, bits 0–5
    // count the bits left of the last octet, bit 6 marks the last block (zlib.h, inflate).
    guard inflater.pointee.data_type & 0xff == 128 else { return }
    var window = [UInt8](repeating: 0, count: Self.inflateWindow)
    var count: UInt32 = 0
    guard inflateGetDictionary(inflater, &window, &count) == Z_OK else { return }
    history = Array(window.prefix(Int(count)))
    inflateEnd(inflater)
    Self.free(inflater)
    self.inflater = nil
  }

  private func wake() -> Bool {
    isAwake = true
    if inflater != nil { return true }
    let stream = Self.allocate()
    guard
      inflateInit2_(stream, -Self.inflateWindowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else {
      Self.free(stream)
      return false
    }
    inflater = stream
    if !history.isEmpty {
      guard inflateSetDictionary(stream, history, UInt32(clamping: history.count)) == Z_OK else { return false }
      history = []
    }
    return true
  }

  private func makeDeflater() -> Bool {
    if deflater != nil { return true }
    let stream = Self.allocate()
    let code = deflateInit2_(
      stream, level, Z_DEFLATED, -Self.windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      Self.free(stream)
      return false
    }
    deflater = stream
    return true
  }

  private func release() {
    if let inflater {
      inflateEnd(inflater)
      Self.free(inflater)
    }
    if let deflater {
      deflateEnd(deflater)
      Self.free(deflater)
    }
    inflater = nil
    deflater = nil
  }

  private static func allocate() -> Stream {
    let stream = Stream.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    DeflateMemory.serve(stream)
    return stream
  }

  private static func free(_ stream: Stream) {
    stream.deinitialize(count: 1)
    stream.deallocate()
  }
}
