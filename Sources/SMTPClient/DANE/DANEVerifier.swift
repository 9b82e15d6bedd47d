import COpenSSL
import DNSResolver

/// Compares a server's certificates with what the name system says of them (RFC 7671, RFC 7672 section 3).
struct DANEVerifier {
  let policy: DANEPolicy
  /// The server, for the error text.
  let host: String

  /// Why the chain, the server's own certificate first, is not the one that is meant; `nil` when it is.
  func fault(in chain: [[UInt8]]) -> String? {
    let certificates = chain.prefix(Self.longestChain).map { X509Certificate($0) }
    guard let leaf = certificates.first.flatMap({ $0 }) else { return "DANE: \(host) shows no certificate" }
    // Neither its names nor its dates matter then (RFC 7672 section 3.1.1).
    if policy.associations.contains(where: { $0.usage == 3 && leaf.matches($0) }) { return nil }
    let authorities = policy.associations.filter { $0.usage == 2 }
    let known = certificates.compactMap { $0 }
    var anchors = known.filter { certificate in authorities.contains { certificate.matches($0) } }
    // An authority that is published whole need not be sent (section 3.1.2).
    anchors += authorities.filter { $0.selector == 0 && $0.matching == 0 }.compactMap { X509Certificate($0.data) }
    guard !anchors.isEmpty else { return "DANE: the certificate of \(host) matches no TLSA record" }
    return leaf.isValid(chain: known, anchors: anchors, names: policy.names)
      ? nil : "DANE: the certificate of \(host) is not one of the authority's that its TLSA record names"
  }

  /// Certificates looked at; a chain is short.
  private static let longestChain = 16
}

/// One certificate in OpenSSL's hands.
private final class X509Certificate {
  private let pointer: OpaquePointer
  private let octets: [UInt8]

  /// Reads DER; `nil` for what is no certificate.
  init?(_ octets: [UInt8]) {
    let pointer = octets.withUnsafeBufferPointer { buffer -> OpaquePointer? in
      var cursor = buffer.baseAddress
      return d2i_X509(nil, &cursor, buffer.count)
    }
    guard let pointer else {
      ERR_clear_error()
      return nil
    }
    self.pointer = pointer
    self.octets = octets
  }

  deinit { X509_free(pointer) }

  /// Whether an association is about this certificate.
  func matches(_ association: TLSARecord) -> Bool {
    guard let subject = association.selector == 0 ? octets : publicKey else { return false }
    switch association.matching {
    case 0: return subject == association.data
    case 1: return digest(subject, EVP_sha256()) == association.data
    case 2: return digest(subject, EVP_sha512()) == association.data
    default: return false
    }
  }

  /// The SubjectPublicKeyInfo (RFC 5280 section 4.1).
  private var publicKey: [UInt8]? {
    guard let key = X509_get_X509_PUBKEY(pointer) else { return nil }
    let length = i2d_X509_PUBKEY(key, nil)
    guard length > 0 else { return nil }
    var result = [UInt8](repeating: 0, count: Int(length))
    let written = result.withUnsafeMutableBufferPointer { buffer -> Int32 in
      var cursor = buffer.baseAddress
      return i2d_X509_PUBKEY(key, &cursor)
    }
    return written == length ? result : nil
  }

  private func digest(_ octets: [UInt8], _ kind: OpaquePointer?) -> [UInt8]? {
    var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard EVP_Digest(octets, octets.count, &result, &length, kind, nil) == 1 else { return nil }
    return Array(result.prefix(Int(length)))
  }

  /// Whether the chain leads from this certificate, made out to one of the names, to one of the anchors.
  func isValid(chain: [X509Certificate], anchors: [X509Certificate], names: [String]) -> Bool {
    defer { ERR_clear_error() }
    guard let store = X509_STORE_new() else { return false }
    defer { X509_STORE_free(store) }
    for anchor in anchors where X509_STORE_add_cert(store, anchor.pointer) != 1 { return false }
    guard let others = OPENSSL_sk_new_null() else { return false }
    defer { OPENSSL_sk_free(others) }
    for certificate in chain.dropFirst() {
      guard OPENSSL_sk_push(others, UnsafeRawPointer(certificate.pointer)) > 0 else { return false }
    }
    guard let context = X509_STORE_CTX_new() else { return false }
    defer { X509_STORE_CTX_free(context) }
    guard X509_STORE_CTX_init(context, store, pointer, others) == 1,
      let parameters = X509_STORE_CTX_get0_param(context)
    else { return false }
    // The authority may be any certificate of the chain, not only one that signed itself.
    guard X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN)) == 1,
      X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER) == 1
    else { return false }
    X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    for name in names {
      guard X509_VERIFY_PARAM_add1_host(parameters, name, name.utf8.count) == 1 else { return false }
    }
    let result = X509_verify_cert(context)
    withExtendedLifetime((chain, anchors)) {}
    return result == 1
  }
}
