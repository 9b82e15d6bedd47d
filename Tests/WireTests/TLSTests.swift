import Basics
import COpenSSL
import Glibc
import NIOSSL
import Testing
import WireTesting

@testable import Wire

@Suite struct TLSTests {
  @Test("R33: SNI picks a certificate per host name; R35: TLS from the first octet")
  func picksCertificatesByName() async throws {
    let primary = try TestCertificate(hostNames: ["mail.example.test"])
    let other = try TestCertificate(hostNames: ["smtp.alias.test", "*.wild.test"])
    let certificates = try TLSCertificates([primary.files, other.files])
    #expect(certificates.names == ["mail.example.test", "smtp.alias.test", "*.wild.test"])
    try await withServer(tls: certificates, implicitTLS: true, serve: echo) { _, port in
      let cases = [
        ("mail.example.test", primary), ("SMTP.alias.test", other), ("a.wild.test", other), ("a.b.wild.test", primary),
        ("unknown.test", primary),
      ]
      for (name, certificate) in cases {
        let client = try await LoopbackClient.connect(port: port, implicitTLS: true, serverName: name)
        try await client.expect("hello")
        #expect(try await client.serverCertificate() == certificate.der, "\(name)")
        #expect(try await client.command("TLS") == "TLSv1.3 \(name.lowercased())")
        await client.close()
      }
      let nameless = try await LoopbackClient.connect(port: port, implicitTLS: true, serverName: nil)
      try await nameless.expect("hello")
      #expect(try await nameless.serverCertificate() == primary.der)
      #expect(try await nameless.command("TLS") == "TLSv1.3 -")
    }
  }

  @Test("R74: certificates are exchanged without dropping sessions")
  func reloads() async throws {
    let old = try TestCertificate()
    let new = try TestCertificate()
    let certificates = try TLSCertificates([old.files])
    try await withServer(tls: certificates, implicitTLS: true, serve: echo) { _, port in
      let before = try await LoopbackClient.connect(port: port, implicitTLS: true)
      try await before.expect("hello")
      try certificates.reload([new.files])
      let after = try await LoopbackClient.connect(port: port, implicitTLS: true)
      try await after.expect("hello")
      #expect(try await before.serverCertificate() == old.der)
      #expect(try await after.serverCertificate() == new.der)
      #expect(try await before.command("still") == "<still>")
      #expect(throws: TLSFileError.self) {
        try certificates.reload([.init(certificate: "/nonexistent", key: new.keyFile)])
      }
      let later = try await LoopbackClient.connect(port: port, implicitTLS: true)
      #expect(try await later.serverCertificate() == new.der)
    }
  }

  @Test func bindsToTheLeaf() async throws {
    let certificate = try TestCertificate()
    let notes = Notes()
    try await withServer(tls: try TLSCertificates([certificate.files]), implicitTLS: true) { connection in
      notes.add("\(connection.tls?.serverEndPoint ?? [])")
      connection.write("ok\r\n")
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port, implicitTLS: true)
      try await client.expect("ok")
      // The signature is ecdsa-with-SHA256, so RFC 5929 asks for SHA-256 of the DER.
      #expect(notes.all == ["\(try SCRAMCrypto.hash(certificate.der))"])
    }
  }

  @Test func refusesOldVersions() async throws {
    let certificate = try TestCertificate()
    try await withServer(tls: try TLSCertificates([certificate.files]), implicitTLS: true, serve: echo) { _, port in
      let old = try await LoopbackClient.connect(port: port)
      await #expect(throws: TestFailure.self) { try await old.startTLS(maximumVersion: .tlsv11) }
      let twelve = try await LoopbackClient.connect(port: port)
      try await twelve.startTLS(maximumVersion: .tlsv12)
      try await twelve.expect("hello")
      #expect(try await twelve.command("TLS") == "TLSv1.2 localhost")
    }
  }

  @Test func carriesMuchBothWays() async throws {
    let certificate = try TestCertificate()
    try await withServer(tls: try TLSCertificates([certificate.files]), implicitTLS: true) { connection in
      var missing = 2_000_000
      while missing > 0 {
        _ = try await connection.consume(timeout: .seconds(10)) { octets in
          missing -= octets.count
          return octets.count
        }
      }
      connection.write([UInt8](repeating: 0x41, count: 2_000_000))
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port, implicitTLS: true)
      try await client.send([UInt8](repeating: 0x42, count: 2_000_000))
      #expect(try await client.bytesToEnd(timeout: .seconds(30)).count == 2_000_000)
    }
  }

  @Test func sendsFilesInClearAndUnderTLS() async throws {
    let certificate = try TestCertificate()
    let content = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let path = certificate.folder + "/body"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    defer {
      close(descriptor)
      unlink(path)
    }
    let written = content.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    #expect(written == content.count)
    for implicit in [false, true] {
      try await withServer(tls: try TLSCertificates([certificate.files]), implicitTLS: implicit) { connection in
        connection.write("a")
        try await connection.writeFile(descriptor: descriptor, offset: 0, length: content.count)
        connection.write("b")
        try await connection.writeFile(descriptor: descriptor, offset: 1000, length: 100)
        connection.write("c")
        _ = try await connection.readLine(limit: 10, timeout: .seconds(5))
        try await connection.writeFile(descriptor: descriptor, offset: content.count - 10, length: 20)
      } _: { _, port in
        let client = try await LoopbackClient.connect(port: port, implicitTLS: implicit)
        let expected = [0x61] + content + [0x62] + content[1000..<1100] + [0x63]
        #expect(try await client.bytes(expected.count, timeout: .seconds(30)) == expected)
        // A file that has become shorter ends the connection rather than sending something else.
        try await client.sendLine("")
        try await client.expectEnd()
      }
    }
    #expect(fcntl(descriptor, F_GETFD) >= 0)
  }

  @Test func saysInOneLineWhatIsWrongWithFiles() throws {
    let pair = try TestCertificate()
    let other = try TestCertificate()
    func reason(_ certificate: String, _ key: String) -> String {
      do {
        _ = try TLSCertificates([.init(certificate: certificate, key: key)])
        return ""
      } catch {
        return error.text
      }
    }
    #expect(
      reason("/nonexistent.pem", pair.keyFile)
        .hasPrefix("/nonexistent.pem: cannot read the certificate: No such file or directory; make it readable"))
    #expect(reason(pair.certificateFile, "/nonexistent.pem").contains("cannot read the key: No such file"))
    #expect(reason(pair.keyFile, pair.keyFile).hasPrefix("\(pair.keyFile): not a PEM certificate"))
    #expect(reason(pair.certificateFile, pair.certificateFile).contains("not a PEM private key"))
    #expect(
      reason(pair.certificateFile, other.keyFile)
        == "\(other.keyFile): does not belong to the certificate in \(pair.certificateFile)")
    #expect(reason(pair.folder, pair.keyFile).contains("Is a directory"))
  }

  @Test func makesCertificatesForManyNames() throws {
    let pair = try SelfSignedCertificate(hostNames: ["mail.example.test", "pop3.example.test", "192.0.2.1"])
    let folder = try TestCertificate()
    try pair.write(certificate: folder.certificateFile, key: folder.keyFile)
    var status = stat()
    #expect(stat(folder.keyFile, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
    let certificates = try TLSCertificates([folder.files])
    #expect(certificates.names == ["mail.example.test", "pop3.example.test"])
    let end = try #require(certificates.served.first?.notAfter)
    #expect(end > Timestamp.systemNow + .seconds(9 * 365 * 86_400))
    #expect(throws: TLSFileError.self) { try SelfSignedCertificate(hostNames: []) }
    #expect(throws: TLSFileError.self) { try SelfSignedCertificate(hostNames: ["a,DNS:b"]) }
  }
}
