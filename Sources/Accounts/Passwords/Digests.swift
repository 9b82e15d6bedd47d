import COpenSSL

/// The digests of stored passwords and of the keys this room makes, by libcrypto.
enum DigestKind: Sendable {
  case md5, sha1, sha256, sha512

  /// Octets of the result.
  var length: Int {
    switch self {
    case .md5: 16
    case .sha1: 20
    case .sha256: 32
    case .sha512: 64
    }
  }

  private var method: OpaquePointer? {
    switch self {
    case .md5: EVP_md5()
    case .sha1: EVP_sha1()
    case .sha256: EVP_sha256()
    case .sha512: EVP_sha512()
    }
  }

  /// The digest of some octets; empty when the library refuses the algorithm (MD5 under a FIPS policy), which then
  /// equals nothing.
  func digest(_ bytes: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: length)
    var size: CUnsignedInt = 0
    guard EVP_Digest(bytes, bytes.count, &result, &size, method, nil) == 1, Int(size) == length else { return [] }
    return result
  }
}

/// HMAC-SHA-256 (RFC 2104).
func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
  var result = [UInt8](repeating: 0, count: 32)
  var size: CUnsignedInt = 0
  guard HMAC(EVP_sha256(), key, CInt(clamping: key.count), message, message.count, &result, &size) != nil else {
    return []
  }
  return result
}

/// Compares two secrets in a time that depends on their lengths only; empty ones are never equal.
func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  guard !left.isEmpty, left.count == right.count else { return false }
  return CRYPTO_memcmp(left, right, left.count) == 0
}

/// Octets nobody can foresee, from the system.
func randomBytes(_ count: Int) -> [UInt8] {
  var generator = SystemRandomNumberGenerator()
  return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}
