import Testing

@testable import Wire

/// One account, `user` / `pencil`, as the RFC's example has it.
struct OneAccount: CredentialVerifier {
  var salt = Base64Text.decode(Array("W22ZaJ0SNY7soEsUEjb6gQ==".utf8)[...]) ?? []

  func verify(login: String, authorizationID: String?, password: [UInt8]) async throws -> String {
    guard login == "user", password == Array("pencil".utf8) else { throw LoginRefusal.badCredentials }
    return try await completeSCRAM(login: login, authorizationID: authorizationID)
  }

  func scramKeys(login: String) async throws -> SCRAMKeys {
    try SCRAMKeys.derive(password: Array((login == "user" ? "pencil" : "other").utf8), salt: salt, iterations: 4096)
  }

  func completeSCRAM(login: String, authorizationID: String?) async throws -> String {
    guard login == "user", authorizationID == nil || authorizationID == login else {
      throw LoginRefusal.badCredentials
    }
    return login
  }
}

@Suite struct SASLTests {
  private let bound = TLSInfo(version: "TLSv1.3", serverName: nil, serverEndPoint: [UInt8](repeating: 9, count: 32))

  private func exchange(_ mechanism: SASLMechanism, tls: TLSInfo? = nil) throws -> SASLExchange<OneAccount> {
    try SASLExchange(
      mechanism: mechanism, verifier: OneAccount(), tls: tls, nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
  }

  private func challenge(_ step: SASLStep<String>) throws -> String {
    guard case .challenge(let octets) = step else { throw SASLError.badFormat }
    return String(decoding: octets, as: UTF8.self)
  }

  private func identity(_ step: SASLStep<String>) throws -> String {
    guard case .success(let identity, nil) = step else { throw SASLError.badFormat }
    return identity
  }

  @Test("R32: the mechanisms depend on TLS and policy")
  func offers() {
    #expect(SASLMechanisms(tls: nil, plaintextLogin: false).names.isEmpty)
    #expect(SASLMechanisms(tls: nil, plaintextLogin: true).names == ["SCRAM-SHA-256", "PLAIN", "LOGIN"])
    let secure = SASLMechanisms(tls: bound, plaintextLogin: false)
    #expect(secure.names == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"])
    #expect(secure.mechanism(named: "scram-sha-256-plus") == .scramSHA256Plus)
    #expect(secure.mechanism(named: "CRAM-MD5") == nil)
    let unbound = TLSInfo(version: "TLSv1.3", serverName: nil, serverEndPoint: [])
    #expect(!SASLMechanisms(tls: unbound, plaintextLogin: false).names.contains("SCRAM-SHA-256-PLUS"))
  }

  @Test func plain() async throws {
    var initial = try exchange(.plain)
    #expect(try identity(await initial.step(Array("\0user\0pencil".utf8))) == "user")
    await #expect(throws: SASLError.finished) { _ = try await initial.step([]) }
    var prompted = try exchange(.plain)
    #expect(try challenge(await prompted.step(nil)) == "")
    #expect(try identity(await prompted.step(Array("user\0user\0pencil".utf8))) == "user")
    for message in ["\0user\0wrong", "root\0user\0pencil"] {
      var attempt = try exchange(.plain)
      await #expect(throws: LoginRefusal.badCredentials) { _ = try await attempt.step(Array(message.utf8)) }
    }
    let bad = [
      "user\0pencil", "\0user\0pencil\0", "\0\0pencil", "\0us\u{1}er\0pencil", "\0user\0", "",
      "\0" + String(repeating: "u", count: 600) + "\0p",
    ]
    for message in bad {
      var attempt = try exchange(.plain)
      await #expect(throws: SASLError.badFormat) { _ = try await attempt.step(Array(message.utf8)) }
    }
    var notText = try exchange(.plain)
    await #expect(throws: SASLError.badFormat) { _ = try await notText.step([0, 0xff, 0xfe, 0, 0x61]) }
  }

  @Test func login() async throws {
    var prompted = try exchange(.login)
    #expect(try challenge(await prompted.step(nil)) == "Username:")
    #expect(try challenge(await prompted.step(Array("user".utf8))) == "Password:")
    #expect(try identity(await prompted.step(Array("pencil".utf8))) == "user")
    var initial = try exchange(.login)
    #expect(try challenge(await initial.step(Array("user".utf8))) == "Password:")
    await #expect(throws: LoginRefusal.badCredentials) { _ = try await initial.step(Array("wrong".utf8)) }
    var empty = try exchange(.login)
    #expect(try challenge(await empty.step([])) == "Username:")
    await #expect(throws: SASLError.badFormat) { _ = try await empty.step([]) }
  }

  @Test("RFC 7677 section 3, to the octet")
  func scramExample() async throws {
    var scram = try exchange(.scramSHA256)
    #expect(try challenge(await scram.step(nil)) == "")
    let first = try challenge(await scram.step(Array("n,,n=user,r=rOprNGfwEbeRWgbNEkqO".utf8)))
    #expect(first == "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    let final =
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    #expect(try challenge(await scram.step(Array(final.utf8))) == "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    #expect(try identity(await scram.step([])) == "user")
  }

  @Test func scramBindsTheChannel() async throws {
    let endPoint = bound.serverEndPoint
    #expect(try await scramLogin(.scramSHA256Plus, header: "p=tls-server-end-point,,", binding: endPoint) == "user")
    #expect(
      try await scramLogin(.scramSHA256Plus, header: "p=tls-server-end-point,a=user,", binding: endPoint) == "user")
    await #expect(throws: SASLError.channelBinding) {
      try await scramLogin(.scramSHA256Plus, header: "p=tls-server-end-point,,", binding: [1, 2, 3])
    }
    await #expect(throws: SASLError.channelBinding) {
      try await scramLogin(.scramSHA256Plus, header: "n,,", binding: [])
    }
    await #expect(throws: SASLError.channelBinding) {
      try await scramLogin(.scramSHA256Plus, header: "p=tls-unique,,", binding: endPoint)
    }
    // A client that can bind and was told we cannot: somebody edits the list of mechanisms.
    await #expect(throws: SASLError.channelBinding) { try await scramLogin(.scramSHA256, header: "y,,", binding: []) }
    #expect(try await scramLogin(.scramSHA256, header: "n,,", binding: []) == "user")
    #expect(try await scramLogin(.scramSHA256, header: "y,,", binding: [], tls: .some(nil)) == "user")
    await #expect(throws: LoginRefusal.badCredentials) {
      try await scramLogin(.scramSHA256, header: "n,a=root,", binding: [])
    }
    #expect(throws: SASLError.notOffered) { try exchange(.scramSHA256Plus) }
  }

  @Test func scramRefusesWrongProofsAndUnknownUsersAlike() async throws {
    await #expect(throws: LoginRefusal.badCredentials) {
      try await scramLogin(.scramSHA256, header: "n,,", binding: [], password: "wrong")
    }
    await #expect(throws: LoginRefusal.badCredentials) {
      try await scramLogin(.scramSHA256, header: "n,,", binding: [], user: "nobody")
    }
  }

  @Test func scramRefusesBrokenMessages() async throws {
    let bad = [
      "", "n", "n,", "n,,", "n,,n=user", "n,,r=abc,n=user", "n,,m=x,n=user,r=abc", "x,,n=user,r=abc", "n,,n=,r=abc",
      "n,,n=us=er,r=abc", "n,,n=us=2cer,r=abc", "n,,n=user,r=", "n,,n=user,r=a\u{7f}", "n,b=x,n=user,r=abc",
      "n,,n=user,r=" + String(repeating: "a", count: 600), String(repeating: "n", count: 5000),
    ]
    for message in bad {
      var scram = try exchange(.scramSHA256)
      await #expect(throws: SASLError.badFormat, "\(message)") { _ = try await scram.step(Array(message.utf8)) }
    }
    let nonce = "abc%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    for message in [
      "", "c=biws", "c=biws,r=\(nonce)", "c=biws,r=other,p=AAAA", "c=biws,r=\(nonce),p=AAAA", "c=biws,r=\(nonce),p=!",
    ] {
      var scram = try exchange(.scramSHA256)
      _ = try await scram.step(Array("n,,n=user,r=abc".utf8))
      await #expect(throws: SASLError.badFormat, "\(message)") { _ = try await scram.step(Array(message.utf8)) }
    }
  }

  @Test func scramReadsEscapedNames() throws {
    var server = SCRAMServer(binding: [], isBound: false, nonce: "x")
    try server.readFirst(Array("n,a=a=3Db,n=c=2Cd,r=abc,ext=1".utf8))
    #expect(server.login == "c,d")
    #expect(server.authorizationID == "a=b")
  }

  @Test func base64IsStrict() {
    #expect(Base64Text.decode(Array("biws".utf8)[...]) == Array("n,,".utf8))
    #expect(Base64Text.decode([]) == [])
    for text in ["b", "biw", "bi==x", "====", "b iw", "biws\n", "bix="] {
      #expect(Base64Text.decode(Array(text.utf8)[...]) == nil, "\(text)")
    }
    for count in 0..<50 {
      let octets = (0..<count).map { UInt8($0 * 5 % 256) }
      #expect(Base64Text.decode(Array(Base64Text.encode(octets).utf8)[...]) == octets)
    }
  }

  /// Logs in as a client does that computes its proof by the RFC.
  private func scramLogin(
    _ mechanism: SASLMechanism, header: String, binding: [UInt8], user: String = "user", password: String = "pencil",
    tls: TLSInfo?? = .none
  ) async throws -> String {
    var scram = try exchange(mechanism, tls: tls ?? bound)
    let bare = "n=\(user),r=abc"
    let first = try challenge(await scram.step(Array((header + bare).utf8)))
    let nonce = "abc%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    let unproven = "c=\(Base64Text.encode(Array(header.utf8) + binding)),r=\(nonce)"
    let transcript = Array("\(bare),\(first),\(unproven)".utf8)
    let salted = try SCRAMCrypto.pbkdf2(password: Array(password.utf8), salt: OneAccount().salt, iterations: 4096)
    let clientKey = try SCRAMCrypto.hmac(key: salted, Array("Client Key".utf8))
    let signature = try SCRAMCrypto.hmac(key: try SCRAMCrypto.hash(clientKey), transcript)
    let proof = Base64Text.encode(zip(clientKey, signature).map { $0 ^ $1 })
    let last = try challenge(await scram.step(Array("\(unproven),p=\(proof)".utf8)))
    let serverKey = try SCRAMCrypto.hmac(key: salted, Array("Server Key".utf8))
    #expect(last == "v=\(Base64Text.encode(try SCRAMCrypto.hmac(key: serverKey, transcript)))")
    return try identity(await scram.step([]))
  }
}
