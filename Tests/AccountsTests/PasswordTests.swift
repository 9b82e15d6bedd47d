import Testing
import Wire

@testable import Accounts

/// Made with Python's `crypt` and `hashlib` and with `openssl passwd`, for the password `correct horse`.
private let vectors = [
  #"$y$j9T$abcdefghijklmnopqrst/.$NA/97IALiPChaBxY9bLeP5w0nLLwhB1dXCtlf6AkR68"#,
  #"$y$j75$abcdefgh$Jakf0CHhzdQOivqISxvBXCIRIaxY0Fs1wJGsJSurry/"#,
  #"$7$CU..../....abcdefgh$zsdaqwx89mPOv8.UAUJOC7yCeca1WUSV.qqzsN2U1JA"#,
  #"$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"#,
  #"$2a$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"#,
  #"$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"#,
  #"$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0"#,
  "$6$rounds=10000$saltsalt$EMCAJaVdD8QpgIn1w2Sq1C8/BIypyMaemdjCDgDu8NxiKn5cVOzQe8ZMNovWPPitzBG6NZOSXfpu45VIxD1OF0",
  #"$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/"#,
  #"$1$saltsalt$NuzA7WTAelpl95xgBGWN60"#,
  #"abhfCpXqd4GrI"#,
  "{CRYPT}$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0",
  "{SHA512-CRYPT}$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0",
  #"{SHA256-CRYPT}$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/"#,
  #"{MD5-CRYPT}$1$saltsalt$NuzA7WTAelpl95xgBGWN60"#,
  #"{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"#,
  #"{DES-CRYPT}abhfCpXqd4GrI"#,
  #"{crypt}$1$saltsalt$NuzA7WTAelpl95xgBGWN60"#,
  #"{PLAIN}correct horse"#,
  #"{CLEAR}correct horse"#,
  #"{CLEARTEXT}correct horse"#,
  #"{PLAIN.b64}Y29ycmVjdCBob3JzZQ=="#,
  #"{SHA}L55TUjtiq8FBorTWAZ0jy6g129A="#,
  #"{SSHA}ZJ6XYC/A5xTAwa7Uhc/u0rsVDXw4c2FsdHNhbA=="#,
  #"{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE="#,
  #"{SSHA256}OKFLqUTMQyvBevwij7E7vcLmGHjxs/byP0NuCKDtDIU4c2FsdHNhbA=="#,
  #"{SHA512}VraY3v7bWkNbY0r+MyC7rz/c2SC2xQOkRvx7endrKY1HnRumqLYXgI6wv1ec6aldZoNHvKtxSQhayTyyeZUZew=="#,
  #"{SSHA512}8d1tEiXk9eZqFruaCN2E8XceoRedt45FixvSzBeZnFzXF6q4CgU/1n7opcpFxxOvWTrqTiBAkBYRyV2kH5P9GThzYWx0c2Fs"#,
  #"{PLAIN-MD5}3cb4e732631f47e6eb961f34554b7cde"#,
  #"{LDAP-MD5}PLTnMmMfR+brlh80VUt83g=="#,
  #"{SMD5}6zDr6FJvUfg0LvL38XnmJzhzYWx0c2Fs"#,
  #"{SHA256.hex}4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631"#,
  #"{SSHA256.HEX}38A14BA944CC432BC17AFC228FB13BBDC2E61878F1B3F6F23F436E08A0ED0C853873616C7473616C"#,
  "{SSHA512.b64}8d1tEiXk9eZqFruaCN2E8XceoRedt45FixvSzBeZnFzXF6q4CgU/1n7opcpFxxOvWTrqTiBAkBYRyV2kH5P9GThzYWx0c2Fs",
  "{SCRAM-SHA-256}4096,c2FsdHNhbHRzYWx0c2FsdA==,Y2eRFXLWrUnuM8NBTPPoG0Na9Jo+iWz9y0qDnDeJljg=,"
    + "i9OU/WREaWC16d96s1DBISzhBItqQjA4x+ra3A4ZmKc=",
]

@Suite("Stored passwords") struct PasswordTests {
  @Test("every kind a host can bring along verifies, and only with its password", arguments: vectors)
  func verifies(stored: String) throws {
    let password = try StoredPassword(stored)
    #expect(password.matches(Array("correct horse".utf8)))
    #expect(!password.matches(Array("correct horsf".utf8)) || stored.contains("abhfCpXqd4GrI"))  // DES: 8 characters
    #expect(!password.matches(Array("wrong".utf8)))
    #expect(!password.matches([]))
    #expect(!password.matches(Array("correct horse\0".utf8)))
  }

  @Test(
    "what cannot be verified is refused at import, with the reason",
    arguments: [
      ("{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA", "ARGON2"),
      ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA", "ARGON2"),
      ("{PBKDF2}$1$salt$5000$aa", "PBKDF2"), ("{NTLM}aa", "NTLM"), ("{SHA", "without }"), ("{}x", "cannot be verified"),
      ("{SHA}!!!", "neither base64"), ("{SHA256}L55TUjtiq8FBorTWAZ0jy6g129A=", "wrong length"), ("", "crypt(3)"),
      ("plain text", "crypt(3)"), ("$9$x$y", "$9$"), ("$6$", "crypt(3)"), ("*0", "crypt(3)"), ("!!", "crypt(3)"),
      ("{SCRAM-SHA-256}900000000,AA==,AA==,AA==", "SCRAM"), ("{PLAIN}", "empty"),
    ])
  func refuses(stored: String, reason: String) {
    #expect { _ = try StoredPassword(stored) } throws: { ($0 as? AccountsError)?.text.contains(reason) == true }
  }

  @Test(
    "a hash whose cost every login would pay is refused at import",
    arguments: [
      "$6$rounds=999999999$saltsalt$x", "$5$rounds=500001$saltsalt$x",
      "$2b$31$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
      "$y$jFT$abcdefgh$x", "$y$jzz$abcdefgh$x", "$7$GU..../....abcdefgh$x", "$7$CUUUUU/UUUUabcdefgh$x",
    ])
  func bounds(stored: String) {
    #expect { _ = try StoredPassword(stored) } throws: { ($0 as? AccountsError)?.code == .overLimit }
  }

  @Test("new passwords are yescrypt with SCRAM-SHA-256 keys, each with a salt of its own")
  func secrets() async throws {
    let hasher = PasswordHasher()
    let first = try await hasher.secrets(for: Array("geheim".utf8), iterations: 4096)
    let second = try await hasher.secrets(for: Array("geheim".utf8), iterations: 4096)
    #expect(first.hash.hasPrefix("$y$j9T$"))
    #expect(first.hash != second.hash && first.scram?.salt != second.scram?.salt)
    #expect(first.scram?.iterations == 4096 && first.scram?.storedKey.count == 32)
    #expect(try await hasher.verify(Array("geheim".utf8), against: first.hash))
    #expect(try await !hasher.verify(Array("Geheim".utf8), against: first.hash))
    #expect(try await !hasher.verify(Array("geheim".utf8), against: "nonsense"))
  }

  @Test("a password typed on another keyboard is the same password (SASLprep)")
  func prepares() async throws {
    let hasher = PasswordHasher()
    let composed = Array("caf\u{e9}\u{a0}1".utf8)
    let decomposed = Array("cafe\u{301} 1".utf8)
    let hash = try await hasher.secrets(for: composed, iterations: 4096).hash
    #expect(try await hasher.verify(decomposed, against: hash))
    #expect(try await hasher.verify(composed, against: hash))
    #expect(PasswordPreparation.prepared([0xff, 0x41]) == [0xff, 0x41])
  }

  @Test("a full queue says so at once, and recovers")
  func busy() async throws {
    var settings = HasherSettings()
    settings.threads = 1
    settings.queue = 2
    let hasher = PasswordHasher(settings: settings)
    let results = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<12 {
        group.addTask {
          do {
            return try await hasher.verify(Array("x".utf8), against: vectors[0])
          } catch {
            return (error as? LoginRefusal) == .busy
          }
        }
      }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(results >= 1 && results <= 9)
    #expect(try await hasher.verify(Array("correct horse".utf8), against: vectors[1]))
  }
}
