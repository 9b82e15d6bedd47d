import COpenSSL

/// SHA-256, HMAC and PBKDF2 of libcrypto; should that fail, a login can be tried again later.
enum SCRAMCrypto {
  /// Length of a SHA-256 hash, in octets.
  static let length = 32

  static func hash(_ message: [UInt8]) throws(LoginRefusal) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: length)
    guard EVP_Digest(message, message.count, &result, nil, EVP_sha256(), nil) == 1 else { throw .temporaryFailure }
    return result
  }

  static func hmac(key: [UInt8], _ message: [UInt8]) throws(LoginRefusal) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: length)
    var written: UInt32 = 0
    guard let keyLength = Int32(exactly: key.count),
      HMAC(EVP_sha256(), key, keyLength, message, message.count, &result, &written) != nil, written == length
    else { throw .temporaryFailure }
    return result
  }

  static func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int) throws(LoginRefusal) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: length)
    guard let passwordLength = Int32(exactly: password.count), let saltLength = Int32(exactly: salt.count),
      let rounds = Int32(exactly: iterations), rounds > 0
    else { throw .temporaryFailure }
    let done = password.withUnsafeBytes { octets in
      PKCS5_PBKDF2_HMAC(
        octets.baseAddress?.assumingMemoryBound(to: CChar.self), passwordLength, salt, saltLength, rounds, EVP_sha256(),
        Int32(length), &result)
    }
    guard done == 1 else { throw .temporaryFailure }
    return result
  }

  /// Compares in a time that does not depend on the contents.
  static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
  }

  /// A nonce of 18 random octets, as base64.
  static func makeNonce() throws(LoginRefusal) -> String {
    var octets = [UInt8](repeating: 0, count: 18)
    guard RAND_bytes(&octets, Int32(octets.count)) == 1 else { throw .temporaryFailure }
    return Base64Text.encode(octets)
  }
}

extension SCRAMKeys {
  /// Derives the keys from a password; blocks for some milliseconds, so never on an event loop.
  ///
  /// - Parameters:
  ///   - iterations: RFC 7677 section 4 asks for 4096 at least.
  /// - Throws: `SASLError` for an impossible iteration count, or when libcrypto fails.
  package static func derive(
    password: [UInt8], salt: [UInt8], iterations: Int = 4096
  ) throws(SASLError) -> SCRAMKeys {
    do throws(LoginRefusal) {
      let salted = try SCRAMCrypto.pbkdf2(password: password, salt: salt, iterations: iterations)
      let clientKey = try SCRAMCrypto.hmac(key: salted, Array("Client Key".utf8))
      return SCRAMKeys(
        salt: salt, iterations: iterations, storedKey: try SCRAMCrypto.hash(clientKey),
        serverKey: try SCRAMCrypto.hmac(key: salted, Array("Server Key".utf8)))
    } catch {
      throw .badFormat
    }
  }
}

/// Base64 inside SCRAM messages (RFC 4648 section 4, padded, strict).
enum Base64Text {
  static func encode(_ octets: [UInt8]) -> String {
    guard !octets.isEmpty, let length = Int32(exactly: octets.count) else { return "" }
    var text = [UInt8](repeating: 0, count: (octets.count + 2) / 3 * 4 + 1)
    let written = Int(EVP_EncodeBlock(&text, octets, length))
    return String(decoding: text.prefix(max(0, written)), as: UTF8.self)
  }

  /// Decodes; `nil` for anything that `encode` would not have made.
  static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0, let length = Int32(exactly: text.count) else { return nil }
    if text.isEmpty { return [] }
    let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
    var octets = [UInt8](repeating: 0, count: text.count / 4 * 3)
    let written = Int(EVP_DecodeBlock(&octets, Array(text), length))
    guard written == octets.count else { return nil }
    octets.removeLast(padding)
    // EVP_DecodeBlock tolerates white space and stray padding; what is canonical encodes back to itself.
    return encode(octets).utf8.elementsEqual(text) ? octets : nil
  }
}
