// fuzz-sources: Sources/Wire/Connection/DeflateCodec.swift Sources/Wire/Connection/DeflateMemory.swift
// fuzz-sources: Sources/Wire/Connection/ConnectionError.swift Fuzz/Support/ByteBuffer.swift
// fuzz-without: NIOCore
// fuzz-flags: -I Sources/CZlib
// COMPRESS=DEFLATE: what a client sends is inflated a little at a time; what was compressed comes back as it was.

/// Inflates the input, and compresses it and reads it back.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDeflate(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = bytes.first else { return 0 }
  inflateAnything(bytes.dropFirst(), step: Int(first & 0x3f) + 1, most: Int(first >> 6) * 1000 + 1)
  packAndUnpack(bytes.dropFirst(), step: Int(first) + 1)
  return 0
}

/// Octets that nobody compressed, in pieces, with sleep in between.
private func inflateAnything(_ bytes: ArraySlice<UInt8>, step: Int, most: Int) {
  guard let codec = DeflateCodec(level: 1) else { fatalError("no memory") }
  var rest = bytes
  var octets = 0
  do {
    while !rest.isEmpty {
      codec.add(ByteBuffer(bytes: Array(rest.prefix(step))))
      rest = rest.dropFirst(step)
      while let plain = try codec.inflate(most: most) {
        guard plain.readableBytes <= most else { fatalError("more than was asked for") }
        octets += plain.readableBytes
        // As a session does that has a limit.
        if octets > 1 << 20 { return }
      }
      if rest.count % 3 == 0 { codec.sleep() }
    }
  } catch {
    guard error == .damagedStream else { fatalError("\(error)") }
  }
  _ = codec.takeRest()
}

/// Both ends of a connection, each piece flushed, the ends sleeping now and then.
private func packAndUnpack(_ bytes: ArraySlice<UInt8>, step: Int) {
  guard let sender = DeflateCodec(level: 6), let receiver = DeflateCodec(level: 6) else { fatalError("no memory") }
  var rest = bytes
  var came: [UInt8] = []
  do {
    while !rest.isEmpty {
      let piece = ByteBuffer(bytes: Array(rest.prefix(step)))
      rest = rest.dropFirst(step)
      sender.isFinishing = rest.isEmpty
      guard let packed = sender.deflate(piece, allocator: ByteBufferAllocator()) else { fatalError("no memory") }
      receiver.add(packed)
      while let plain = try receiver.inflate(most: 512) { came += plain.bytes }
      if rest.count % 2 == 0, !rest.isEmpty { sender.sleep() }
      if rest.count % 5 == 0 { receiver.sleep() }
    }
  } catch {
    fatalError("own stream: \(error)")
  }
  guard came == Array(bytes) else { fatalError("octets changed") }
  guard bytes.isEmpty || receiver.hasEnded else { fatalError("no end") }
}
