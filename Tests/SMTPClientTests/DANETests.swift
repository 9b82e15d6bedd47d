import Basics
import COpenSSL
import DNSResolver
import MailSyntax
import Testing

@testable import SMTPClient

@Suite("DANE: certificates by the name system's word", .timeLimit(.minutes(1)))
struct DANETests {
  private func association(_ usage: UInt8, _ selector: UInt8, _ matching: UInt8, _ data: [UInt8])
    -> TLSARecord
  {
    TLSARecord(usage: usage, selector: selector, matching: matching, data: data)
  }

  private func fault(_ records: [TLSARecord], _ chain: [[UInt8]], base: String = "mx.remote.test")
    -> String?
  {
    let policy = DANEPolicy(records, baseDomain: base, nextHop: "remote.test")
    return DANEVerifier(policy: policy, host: "mx.remote.test").fault(in: chain)
  }

  private func digest(_ octets: [UInt8], _ kind: OpaquePointer?) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 64)
    var length: UInt32 = 0
    guard EVP_Digest(octets, octets.count, &result, &length, kind, nil) == 1 else { return [] }
    return Array(result.prefix(Int(length)))
  }

  @Test("RFC 7672 3.1.1: the server's own certificate, whole or by digest, whatever its names and dates")
  func endEntity() {
    for (matching, data) in [
      (0, Fixture.leaf), (1, digest(Fixture.leaf, EVP_sha256())), (2, digest(Fixture.leaf, EVP_sha512())),
    ] {
      let record = association(3, 0, UInt8(matching), data)
      #expect(fault([record], [Fixture.leaf, Fixture.authority]) == nil, "\(matching)")
      #expect(fault([record], [Fixture.leaf], base: "elsewhere.test") == nil)
      #expect(fault([record], [Fixture.authority, Fixture.leaf]) != nil, "the first one is the server's")
    }
    #expect(fault([association(3, 0, 0, Fixture.old)], [Fixture.old]) == nil)
    // One key, three certificates: the record over the key fits all of them.
    let key = association(3, 1, 1, Fixture.leafKeyDigest)
    #expect(fault([key], [Fixture.leaf]) == nil && fault([key], [Fixture.old]) == nil)
    #expect(fault([key], [Fixture.authority]) == "DANE: the certificate of mx.remote.test matches no TLSA record")
  }

  @Test("RFC 7672 3.1.2: an authority's certificate, with the chain, the dates and the names checked")
  func authority() {
    let chain = [Fixture.leaf, Fixture.authority]
    let record = association(2, 0, 1, digest(Fixture.authority, EVP_sha256()))
    #expect(fault([record], chain) == nil)
    #expect(fault([record], [Fixture.leaf]) != nil, "an authority known by its digest only must be sent")
    #expect(fault([association(2, 0, 0, Fixture.authority)], [Fixture.leaf]) == nil, "a published one need not")
    #expect(fault([record], chain, base: "elsewhere.test")?.contains("not one of the authority's") == true)
    #expect(fault([record], [Fixture.old, Fixture.authority]) != nil, "run out")
    #expect(fault([association(2, 0, 1, digest(Fixture.other, EVP_sha256()))], [Fixture.leaf, Fixture.other]) != nil)
    #expect(fault([association(2, 1, 1, Fixture.leafKeyDigest)], [Fixture.other, Fixture.leaf]) != nil)
  }

  @Test("RFC 7672 3.1.3, RFC 7671 9: records that mean nothing to SMTP, and the stronger digest")
  func usable() {
    let good = association(3, 0, 1, digest(Fixture.leaf, EVP_sha256()))
    for useless in [
      association(0, 0, 1, good.data), association(1, 1, 1, good.data), association(4, 0, 1, good.data),
      association(3, 2, 1, good.data), association(3, 0, 3, good.data), association(3, 0, 1, [1, 2, 3]),
      association(3, 0, 2, good.data), association(3, 0, 0, []),
    ] {
      let alone = DANEPolicy([useless], baseDomain: "mx.remote.test", nextHop: nil)
      #expect(!alone.isAuthenticating)
      #expect(fault([useless, good], [Fixture.leaf]) == nil)
    }
    let wrong = association(3, 0, 2, [UInt8](repeating: 7, count: 64))
    #expect(fault([good, wrong], [Fixture.leaf]) != nil)
    #expect(fault([good, association(3, 1, 2, wrong.data)], [Fixture.leaf]) == nil, "another kind is no replacement")
  }

  @Test("no certificate, nonsense for one, and a chain without end are no proof")
  func hostile() {
    let record = association(3, 0, 1, digest(Fixture.leaf, EVP_sha256()))
    #expect(
      fault([record], []) != nil && fault([record], [[]]) != nil && fault([record], [[1, 2, 3], Fixture.leaf]) != nil)
    let noise = [Fixture.leaf] + Array(repeating: [UInt8](repeating: 0x30, count: 9), count: 1000)
    #expect(fault([association(2, 0, 1, digest(Fixture.authority, EVP_sha256()))], noise + [Fixture.authority]) != nil)
  }

  @Test("a session with the right certificate stands, one with another ends in words that say why")
  func session() async throws {
    let server = try await TLSServer.start()
    func open(_ records: [TLSARecord], base: String = "mx.example.test") async throws(SMTPFailure)
      -> String?
    {
      var endpoint = server.endpoint(.required)
      endpoint.verification = .dane(DANEPolicy(records, baseDomain: base, nextHop: nil))
      let session = try await ClientFixture.client().connect(to: endpoint)
      session.close()
      return session.tls
    }
    let own = association(3, 0, 1, digest(try Fixture.server(), EVP_sha256()))
    #expect(try await open([own]) == "TLSv1.3")
    #expect(try await open([own], base: "elsewhere.test") == "TLSv1.3")
    #expect(try await open([association(2, 0, 1, own.data)]) == "TLSv1.3", "its own authority")
    #expect(try await open([association(1, 1, 1, own.data)]) == "TLSv1.3", "nothing usable: any certificate")
    let failure = await #expect(throws: SMTPFailure.self) { try await open([association(3, 1, 1, own.data)]) }
    #expect(failure?.cause == .tls && failure?.status == "4.7.5" && failure?.isPermanent == false)
    #expect(failure?.detail == "DANE: the certificate of mx.example.test matches no TLSA record")
    await #expect(throws: SMTPFailure.self) { try await open([association(2, 0, 1, own.data)], base: "elsewhere.test") }
    try await server.stop()
  }
}

/// Certificates for a hundred years: an authority, one it made for mx.remote.test, the same run out, and a stranger.
private enum Fixture {
  static func der(_ text: String) -> [UInt8] {
    Base64.decode(Array(text.utf8.filter { $0 > 0x20 })) ?? []
  }

  /// What `TLSServer` shows.
  static func server() throws -> [UInt8] {
    der(TLSServer.certificate.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined())
  }

  static let authority = der(
    """
      MIIBizCCATGgAwIBAgIUAr6sn1hH8RfCT8cfa7lMnNpwXtowCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjIxMjA3Mj
      laGA8yMTI2MTAyOTEyMDcyOVowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDEBWQkS0w2Q13DXlu/t6mti
      zTwInl+YqGJ819DqFDUFCpyMJzMcoGqMhQdpG/2pv1qhaG2fSSspdkqFwUYUUoijYzBhMB0GA1UdDgQWBBSZCgKyraAtFn5Yk0Q7dJCXA1ykuz
      AfBgNVHSMEGDAWgBSZCgKyraAtFn5Yk0Q7dJCXA1ykuzAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwICBDAKBggqhkjOPQQDAgNIADBF
      AiEAgy/YtYEirS+bkcZ/u4JGm6carCms86qn4nJcrmhlBKgCIDuCUUWVA2w+HnePYkSm0EH/XVnWyEeMhZk0BQvy4lvn
    """)
  static let leaf = der(
    """
      MIIBoDCCAUegAwIBAgIUPf2U2CTJomTgHjZTvSmqvoENknswCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjIxMjA3Mz
      BaGA8yMTI2MTAyOTEyMDczMFowGTEXMBUGA1UEAwwObXgucmVtb3RlLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASIMoxmr56TdEym
      8bLUuT1miApsROJ7IX7jr/8etkQEsxvYofVmByUaNzqhlWyO96pr2aKLVMjemRJIaNF1MG3io3IwcDAZBgNVHREEEjAQgg5teC5yZW1vdGUudG
      VzdDATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNVHQ4EFgQUO4gaQaXMhmUPmkLzXmK/Yf3kC1YwHwYDVR0jBBgwFoAUmQoCsq2gLRZ+WJNEO3SQ
      lwNcpLswCgYIKoZIzj0EAwIDRwAwRAIga5jVpaGWHynbFIIpvffFnChrkA1q9MVmWTYZ05lxnhACICUmANBGdJNw5js0lPwJXO/KHZrAXtVoRn
      9Pe145Z2kU
    """)
  static let old = der(
    """
      MIIBoDCCAUWgAwIBAgIUPf2U2CTJomTgHjZTvSmqvoENknwwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHVGVzdCBDQTAeFw0yMDAxMDEwMDAwMD
      BaFw0yMDAxMDIwMDAwMDBaMBkxFzAVBgNVBAMMDm14LnJlbW90ZS50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiDKMZq+ek3RMpvGy
      1Lk9ZogKbETieyF+46//HrZEBLMb2KH1ZgclGjc6oZVsjveqa9mii1TI3pkSSGjRdTBt4qNyMHAwGQYDVR0RBBIwEIIObXgucmVtb3RlLnRlc3
      QwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFDuIGkGlzIZlD5pC815iv2H95AtWMB8GA1UdIwQYMBaAFJkKArKtoC0WfliTRDt0kJcD
      XKS7MAoGCCqGSM49BAMCA0kAMEYCIQDPut2iSJF39G2FMntzsqhateL6Rih1ezKiLLe2XUd23gIhAOfdMqqySEJGSWoT+Cuz2YxXX5+XorYJlY
      yLYvJcNF+W
    """)
  static let other = der(
    """
      MIIBfTCCASOgAwIBAgIUDSEoKvOoNIThvaIOa44cJ97gFWcwCgYIKoZIzj0EAwIwEzERMA8GA1UEAwwIT3RoZXIgQ0EwIBcNMjYxMTIyMTIwNz
      MwWhgPMjEyNjEwMjkxMjA3MzBaMBMxETAPBgNVBAMMCE90aGVyIENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEER7qQJxnF6iLJASvKIWt
      /ETt8IwMBW+9V1OQ+iNjpvqeFrvVSbRcZcVbQrJ9Nnd82BfrlbsIJTP/ZriVVs2zZaNTMFEwHQYDVR0OBBYEFCWd8P76r1Xm6KO15s6P2bzZxf
      tLMB8GA1UdIwQYMBaAFCWd8P76r1Xm6KO15s6P2bzZxftLMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgOnqpA+avXUrvSReG
      EkY86C3SCNKKQ+LUABdIvA02STgCIQDA2lrlKvagtzZ5H1xtKhSkSiJnpD96Ug7o0la1dWYuhA==
    """)
  /// SHA-256 of the public key of `leaf`.
  static let leafKeyDigest: [UInt8] = [
    0x4b, 0xe8, 0x02, 0x0c, 0xde, 0x37, 0x84, 0x70, 0x9c, 0x13, 0xf7, 0xb7, 0x07, 0xf2, 0xfa, 0x24,
    0x44, 0xb4, 0xdd, 0x6d, 0x96, 0xe2, 0xff, 0x92, 0x5a, 0x67, 0x10, 0x59, 0x52, 0xa7, 0xe9, 0x71,
  ]
}
