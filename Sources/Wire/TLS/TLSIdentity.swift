import Basics
import COpenSSL
import Glibc
import NIOCore
import NIOSSL

/// One certificate chain with its key, ready to serve, and what is known about its leaf.
struct TLSIdentity: Sendable {
  /// What handshakes use.
  let context: NIOSSLContext
  /// `tls-server-end-point` of the leaf (RFC 5929 section 4.1); empty where it is undefined.
  let endPointHash: [UInt8]
  /// DNS names of the leaf, lower-cased, wildcards as they are.
  let names: [String]
  /// When the leaf ends.
  let notAfter: Timestamp?

  /// Reads and checks both files with libcrypto, whose reasons are clear, and gives them to NIOSSL.
  init(_ files: TLSCertificates.Files) throws(TLSFileError) {
    let chain = try Self.read(files.certificate, what: "certificate")
    let secret = try Self.read(files.key, what: "key")
    guard let leaf = OpenSSLBuffer.reading(chain, { PEM_read_bio_X509($0, nil, nil, nil) }) else {
      throw TLSFileError(text: "\(files.certificate): not a PEM certificate (\(OpenSSLBuffer.lastError()))")
    }
    defer { X509_free(leaf) }
    // The callback keeps libcrypto from asking for a passphrase on the terminal.
    guard let key = OpenSSLBuffer.reading(secret, { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in -1 }, nil) })
    else {
      let isEncrypted = String(decoding: secret, as: UTF8.self).contains("ENCRYPTED")
      let reason = OpenSSLBuffer.lastError()
      throw TLSFileError(
        text: isEncrypted
          ? "\(files.key): the key is protected by a passphrase; store it without one"
          : "\(files.key): not a PEM private key (\(reason))")
    }
    defer { EVP_PKEY_free(key) }
    guard X509_check_private_key(leaf, key) == 1 else {
      ERR_clear_error()
      throw TLSFileError(text: "\(files.key): does not belong to the certificate in \(files.certificate)")
    }
    do {
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: try NIOSSLCertificate.fromPEMBytes(chain).map { .certificate($0) },
        privateKey: .privateKey(try NIOSSLPrivateKey(bytes: secret, format: .pem)))
      configuration.minimumTLSVersion = .tlsv12
      configuration.shutdownTimeout = .seconds(2)
      context = try NIOSSLContext(configuration: configuration)
    } catch {
      throw TLSFileError(text: "\(files.certificate): cannot be served: \(error)")
    }
    endPointHash = Self.endPointHash(leaf)
    names = Self.names(leaf)
    notAfter = Self.time(X509_get0_notAfter(leaf))
  }

  private static let largestFile = 1 << 20

  private static func read(_ path: String, what: String) throws(TLSFileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let reason = String(cString: strerror(errno))
      throw TLSFileError(
        text: "\(path): cannot read the \(what): \(reason); make it readable for uid \(geteuid()), or correct \"tls\"")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      guard count >= 0 else {
        throw TLSFileError(text: "\(path): cannot read the \(what): \(String(cString: strerror(errno)))")
      }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= largestFile else { throw TLSFileError(text: "\(path): too large for a \(what)") }
    }
  }

  /// The hash RFC 5929 asks for: the signature's own, SHA-256 in place of MD5 and SHA-1.
  private static func endPointHash(_ leaf: OpaquePointer) -> [UInt8] {
    var digest: Int32 = 0
    guard X509_get_signature_info(leaf, &digest, nil, nil, nil) == 1, digest != NID_undef else {
      ERR_clear_error()
      return []
    }
    if digest == NID_md5 || digest == NID_sha1 { digest = NID_sha256 }
    guard let algorithm = EVP_get_digestbyname(OBJ_nid2sn(digest)) else { return [] }
    var hash = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard X509_digest(leaf, algorithm, &hash, &length) == 1 else { return [] }
    return Array(hash.prefix(Int(length)))
  }

  private static func names(_ leaf: OpaquePointer) -> [String] {
    guard let raw = X509_get_ext_d2i(leaf, NID_subject_alt_name, nil, nil) else { return [] }
    let stack = OpaquePointer(raw)
    defer { GENERAL_NAMES_free(stack) }
    var names: [String] = []
    for index in 0..<max(0, OPENSSL_sk_num(stack)) {
      guard let entry = OPENSSL_sk_value(stack, index) else { continue }
      var type: Int32 = 0
      guard let value = GENERAL_NAME_get0_value(entry.assumingMemoryBound(to: GENERAL_NAME.self), &type),
        type == GEN_DNS
      else { continue }
      let text = value.assumingMemoryBound(to: ASN1_STRING.self)
      guard let octets = ASN1_STRING_get0_data(text) else { continue }
      let length = max(0, Int(ASN1_STRING_length(text)))
      names.append(String(decoding: UnsafeBufferPointer(start: octets, count: length), as: UTF8.self).lowercased())
    }
    return names
  }

  private static func time(_ value: UnsafePointer<ASN1_TIME>?) -> Timestamp? {
    guard let value else { return nil }
    var broken = tm()
    guard ASN1_TIME_to_tm(value, &broken) == 1 else { return nil }
    return Timestamp(seconds: Int64(timegm(&broken)))
  }
}
