import COpenSSL

/// Octets into and out of libcrypto's memory BIOs.
enum OpenSSLBuffer {
  /// Collects what `body` writes; `nil` when it does not return 1.
  static func collect(_ body: (OpaquePointer) -> Int32) -> [UInt8]? {
    guard let bio = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(bio) }
    guard body(bio) == 1 else { return nil }
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Int(BIO_read(bio, &chunk, Int32(chunk.count)))
      if count <= 0 { return result }
      result += chunk[..<count]
    }
  }

  /// Gives `body` a BIO that reads the octets.
  static func reading<Result>(_ bytes: [UInt8], _ body: (OpaquePointer) -> Result?) -> Result? {
    guard let length = Int32(exactly: bytes.count), let bio = BIO_new_mem_buf(bytes, length) else { return nil }
    defer { BIO_free(bio) }
    // BIO_new_mem_buf does not copy: the octets have to outlive it.
    return withExtendedLifetime(bytes) { body(bio) }
  }

  /// The newest error's reason in words; empties the thread's queue.
  static func lastError() -> String {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    guard code != 0, let reason = ERR_reason_error_string(code) else { return "unknown error" }
    return String(cString: reason)
  }
}
