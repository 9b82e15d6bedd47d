import Basics
import COpenSSL
import MailSyntax

/// Object identifiers of messages (RFC 8474), made from what the files hold: they are the same in every folder a
/// message is copied or moved to, and after the index was lost.
enum ObjectID {
  /// EMAILID: octets and INTERNALDATE, because whatever cannot change of a message must be the same under one EMAILID
  /// (RFC 8474 section 5.1).
  static func email(_ bytes: [UInt8], internalSeconds: Int64) -> String {
    "M" + digest(bytes, "\(internalSeconds)")
  }

  /// THREADID: the oldest ancestor that the message names, itself when it names none (RFC 8474 section 5.2).
  static func thread(_ entry: MessageIndexEntry, emailID: String) -> String {
    let root = entry.references.first ?? entry.inReplyTo.first ?? entry.messageID ?? ""
    return "T" + (root.isEmpty ? String(emailID.dropFirst()) : digest(Array(root.utf8), ""))
  }

  /// The first half of SHA-256 over the octets' own SHA-256 and a suffix, in hexadecimal digits.
  private static func digest(_ bytes: [UInt8], _ suffix: String) -> String {
    var inner = sha256(bytes)
    inner.append(contentsOf: suffix.utf8)
    return Hexadecimal.encode(sha256(inner).prefix(16))
  }

  // Looked up once: OpenSSL 3 would search its providers at every call. Never changed and never freed.
  private nonisolated(unsafe) static let algorithm = EVP_MD_fetch(nil, "SHA256", nil)

  private static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { output, count in
      _ = EVP_Digest(bytes, bytes.count, output.baseAddress, nil, algorithm ?? EVP_sha256(), nil)
      count = Int(SHA256_DIGEST_LENGTH)
    }
  }
}
