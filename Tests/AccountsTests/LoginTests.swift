import Basics
import MailSyntax
import Testing
import Wire

@testable import Accounts

@Suite("Logins") struct LoginTests {
  @Test(
    "R51: user%domain, user@domain and user/domain are one login, in any case",
    arguments: ["alice%example.test", "alice@example.test", "alice/example.test", "ALICE%Example.TEST"])
  func spellings(name: String) async throws {
    let house = try House()
    try await house.settle()
    let account = try await house.login(name, "wonderland", .imap)
    #expect(account.key == "alice@example.test")
    #expect(account.directory == "example.test/alice")
  }

  @Test("R51: IDNA domains and alias domains lead to the same account")
  func domains() async throws {
    let house = try House()
    try await house.accounts.addDomain("bücher.example", postmaster: .none)
    try await house.accounts.addAccount(NewAccount("jane@xn--bcher-kva.example", password: .clear(Array("pw".utf8))))
    try await house.accounts.addAliasDomain("books.example", of: "bücher.example")
    for name in ["jane%bücher.example", "jane@BÜCHER.example", "jane@xn--bcher-kva.example", "jane/books.example"] {
      #expect(try await house.login(name, "pw").key == "jane@xn--bcher-kva.example")
    }
  }

  @Test(
    "wrong passwords, unknown users, unknown domains and nonsense give the same refusal",
    arguments: [
      ("alice@example.test", "wrong"), ("nobody@example.test", "wonderland"), ("alice@elsewhere.test", "wonderland"),
      ("alice", "wonderland"), ("", ""), ("alice@example.test\0x", "wonderland"),
      ("alice\0@example.test", "wonderland"),
      ("alice@example.test", "wonderland\0"), ("alice@example.test", ""), ("' OR 1=1 --@example.test", "x"),
      ("../alice@example.test", "wonderland"), ("alice@example.test", String(repeating: "w", count: 5000)),
      (String(repeating: "a", count: 9000) + "@example.test", "x"),
    ])
  func refusals(name: String, password: String) async throws {
    let house = try House()
    try await house.settle()
    await #expect(throws: LoginRefusal.badCredentials) { _ = try await house.login(name, password) }
  }

  @Test("an account without a password cannot be logged in to, by the empty one neither")
  func noPassword() async throws {
    let house = try House()
    try await house.accounts.addDomain("example.test", postmaster: .none)
    for password in ["", "x"] {
      await #expect(throws: LoginRefusal.badCredentials) {
        _ = try await house.login("postmaster@example.test", password)
      }
    }
  }

  @Test("known and unknown users cost the same time, whatever kind of hash the host brought along")
  func time() async throws {
    let house = try House(hasher: HasherSettings(), time: ManualTime())
    try await house.accounts.addDomain("example.test", postmaster: .clear(Array("post".utf8)))
    let names = ["alice", "bob", "carol"]
    for name in names {
      try await house.accounts.addAccount(
        NewAccount("\(name)@example.test", password: .clear(Array("wonderland".utf8))))
    }
    // The least of several is what the work itself costs, however busy the machine is.
    func least(_ name: (Int) -> String) async -> Duration {
      var samples: [Duration] = []
      for round in 0..<9 {
        let start = ContinuousClock.now
        _ = try? await house.login(name(round), "wrong \(round)")
        samples.append(ContinuousClock.now - start)
      }
      return samples.min() ?? .zero
    }
    let known = await least { names[$0 % 3] + "@example.test" }
    let unknown = await least { "nobody\($0)@example.test" }
    let elsewhere = await least { "alice@nowhere\($0).test" }
    for other in [unknown, elsewhere] {
      #expect(max(known, other) - min(known, other) < .milliseconds(150))
      // Not free either: the hash itself was computed.
      #expect(other > .milliseconds(3))
    }
  }

  @Test("on a host of slow imported hashes, unknown users are slow as well")
  func slowHashes() async throws {
    let house = try House()
    try await house.accounts.addDomain("example.test", postmaster: .none)
    // bcrypt of cost 11, about 140 ms, of a password nobody knows.
    let hash = "$2b$11$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"
    for name in ["alice", "bob"] {
      try await house.accounts.addAccount(NewAccount("\(name)@example.test", password: .hash(hash)))
    }
    for name in ["alice@example.test", "nobody@example.test", "alice@nowhere.test", "postmaster@example.test"] {
      let start = ContinuousClock.now
      _ = try? await house.login(name, "wrong")
      #expect(ContinuousClock.now - start > .milliseconds(50), "\(name)")
    }
  }

  @Test("flags of the account, its domain and its offer close a service, after the password only")
  func flags() async throws {
    let house = try House()
    try await house.settle()
    try await house.accounts.addOffer(Offer(name: "web", quota: 25 << 20, denied: [.smtp]))
    try await house.accounts.setAccount("alice@example.test", deny: [.pop], offer: "web")
    try await house.accounts.setDomain("example.test", deny: [.imap])
    for service in [MailService.pop, .imap, .smtp] {
      await #expect(throws: LoginRefusal.serviceDenied(text: "\(service.displayName) is not enabled for this account"))
      {
        _ = try await house.login("alice@example.test", "wonderland", service)
      }
      await #expect(throws: LoginRefusal.badCredentials) {
        _ = try await house.login("alice@example.test", "wrong", service)
      }
    }
    try await house.accounts.setAccount("alice@example.test", allow: [.pop])
    #expect(try await house.login("alice@example.test", "wonderland").denied == [.imap, .smtp])
  }

  @Test("a suspended account or domain cannot log in, and can again afterwards")
  func suspension() async throws {
    let house = try House()
    try await house.settle()
    let locked = LoginRefusal.serviceDenied(text: "account is locked")
    try await house.accounts.setAccount("alice@example.test", suspended: true)
    await #expect(throws: locked) { _ = try await house.login("alice@example.test", "wonderland") }
    _ = try await house.login("bob@example.test", "builder")
    try await house.accounts.setAccount("alice@example.test", suspended: false)
    _ = try await house.login("alice@example.test", "wonderland")
    try await house.accounts.setDomain("example.test", suspended: true)
    await #expect(throws: locked) { _ = try await house.login("bob@example.test", "builder") }
  }

  @Test("a password changed by another process counts at once, however often the old one was right")
  func otherProcess() async throws {
    let house = try House()
    try await house.settle()
    let cli = try house.neighbour()
    for _ in 0..<3 { _ = try await house.login("alice@example.test", "wonderland") }
    try await cli.setPassword("alice%example.test", .clear(Array("looking-glass".utf8)))
    await #expect(throws: LoginRefusal.badCredentials) { _ = try await house.login("alice@example.test", "wonderland") }
    _ = try await house.login("alice@example.test", "looking-glass")
    try await cli.removeAccount("alice@example.test")
    await #expect(throws: LoginRefusal.badCredentials) {
      _ = try await house.login("alice@example.test", "looking-glass")
    }
  }

  @Test("a verified password is remembered for a while, and many logins at once share one hash")
  func remembered() async throws {
    var settings = AccountSettings()
    settings.verifiedLoginLifetime = .seconds(60)
    var slow = HasherSettings()
    slow.threads = 1
    slow.queue = 0
    let house = try House(settings, hasher: slow)
    try await house.settle()
    // With one thread and no queue, two hashes at once would be refused as busy.
    try await withThrowingTaskGroup(of: Account.self) { group in
      for _ in 0..<20 { group.addTask { try await house.login("alice@example.test", "wonderland") } }
      for try await account in group { #expect(account.key == "alice@example.test") }
    }
    await house.accounts.settle()
    // While the only thread is at work, another password is "busy", but the remembered one needs no hash.
    let cost13 = "$2b$13$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"
    let work = Task {
      // A wrong password below may be quicker, and be what the thread is at work with.
      while true {
        do { return try await house.hasher.verify(Array("x".utf8), against: cost13) } catch LoginRefusal.busy {
          await Task.yield()
        }
      }
    }
    var isBusy = false
    for _ in 0..<1000 where !isBusy {
      do { _ = try await house.login("alice@example.test", "wrong") } catch {
        isBusy = (error as? LoginRefusal) == .busy
      }
      if !isBusy { try await Task.sleep(for: .milliseconds(1)) }
    }
    #expect(isBusy)
    #expect(try await house.login("alice@example.test", "wonderland").key == "alice@example.test")
    #expect(try await !work.value)
  }

  @Test("an old hash becomes yescrypt at login, with SCRAM keys, and nothing counts as a change of the password")
  func upgrade() async throws {
    let house = try House()
    try await house.accounts.addDomain("example.test", postmaster: .none)
    try await house.accounts.addAccount(
      NewAccount("old@example.test", password: .hash("{SSHA}ZJ6XYC/A5xTAwa7Uhc/u0rsVDXw4c2FsdHNhbA==")))
    let before = try await house.login("old@example.test", "correct horse")
    #expect(!before.hasSCRAMKeys)
    await house.accounts.settle()
    house.time.advance(by: .seconds(5))
    let after = try await house.login("old@example.test", "correct horse")
    #expect(after.hasSCRAMKeys)
    #expect(after.passwordChangedAt == before.passwordChangedAt)
    let stored = try await house.accounts.database.read { try AccountRecord.find(key: "old@example.test", in: $0) }
    #expect(stored?.password.hasPrefix("$y$") == true)
    await #expect(throws: LoginRefusal.badCredentials) { _ = try await house.login("old@example.test", "wrong") }
  }

  @Test("last logins are kept per service, with address and time")
  func history() async throws {
    let house = try House()
    try await house.settle()
    let alice = try await house.login("alice@example.test", "wonderland", .imap)
    house.time.advance(by: .seconds(60))
    _ = try await house.login("alice@example.test", "wonderland", .imap)
    _ = try await house.login("alice@example.test", "wonderland", .pop)
    await house.accounts.settle()
    let logins = try await house.neighbour().lastLogins(alice)
    #expect(logins.map(\.service) == [.imap, .pop])
    #expect(logins.map(\.logins) == [2, 1])
    #expect(logins.allSatisfy { $0.at == house.time.now && $0.peer == "192.0.2.1" })
  }

  @Test("APOP works only where a clear secret was stored for it")
  func apop() async throws {
    let house = try House()
    try await house.settle()
    let challenge = "<1896.697170952@dbc.mtview.ca.us>"
    let digest = DigestKind.md5.digest(Array((challenge + "tanstaaf").utf8))
    #expect(Hexadecimal.encode(digest) == "c4c9334bac560ecc979e58001b3e22fb")  // RFC 1939
    let accounts = house.accounts
    func login(_ name: String) async throws -> Account {
      try await accounts.authenticateAPOP(login: name, challenge: challenge, digest: digest, from: House.peer)
    }
    try await accounts.setPassword("alice@example.test", .clear(Array("tanstaaf".utf8)))
    await #expect(throws: LoginRefusal.badCredentials) { _ = try await login("alice@example.test") }
    try await accounts.setPassword("alice@example.test", .clear(Array("tanstaaf".utf8), keepForAPOP: true))
    #expect(try await login("alice%example.test").hasAPOPSecret)
    await #expect(throws: LoginRefusal.badCredentials) { _ = try await login("bob@example.test") }
    await #expect(throws: LoginRefusal.badCredentials) { _ = try await login("nobody@example.test") }
  }
}
