import NIOCore

extension Connection {
  /// Whether `startCompression` was called.
  package var isCompressed: Bool { codec != nil }

  /// Sends the reply as it is and compresses both directions from then on (COMPRESS, RFC 4978).
  ///
  /// Octets that came behind the command count as compressed. TLS, if it is to be, has to be on before.
  ///
  /// - Throws: `ConnectionError`; `.damagedStream` when there is no memory for it.
  package nonisolated(nonsending) func startCompression(reply: [UInt8]) async throws {
    guard codec == nil else { return }
    write(reply)
    try await flush()
    guard let made = DeflateCodec(level: settings.compressionLevel) else { throw ConnectionError.damagedStream }
    made.add(input.takeAll())
    codec = made
  }

  /// Sends the reply compressed and ends compression in both directions (UNAUTHENTICATE, RFC 8437 section 4.1).
  package nonisolated(nonsending) func stopCompression(reply: [UInt8]) async throws {
    guard let ending = codec else { return }
    // An ended stream tells the client's decompressor where the plain octets begin.
    ending.isFinishing = true
    write(reply)
    try await flush()
    codec = nil
    input.append(ending.takeRest())
  }
}
