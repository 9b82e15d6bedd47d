import Glibc
import Testing

@testable import MailStore

@Suite struct AttributeTests {
  private static let limits = AttributeLimits(entries: 3, octets: 1000)

  @Test("Attributes are kept whole, follow their folder and go with it")
  func attributesFollowTheFolder() async throws {
    let fixture = Fixture()
    let odd: [UInt8] = [0, 10, 13, 32, 255]
    let (old, new) = (try MailboxName("a b/c"), try MailboxName("x.y"))
    try await fixture.withStore { store in
      let account = fixture.account()
      try await store.createFolder(account, name: old)
      try await store.setAttributes(
        .metadata, of: account, folder: old, ["/shared/x y": odd, "/private/e": []], limits: Self.limits)
      try await store.setAttributes(.metadata, of: account, folder: nil, ["/private/a": [1]], limits: Self.limits)
      try await store.setAttributes(.metadata, of: account, folder: .inbox, ["/private/i": [2]], limits: Self.limits)
      try await store.renameFolder(account, from: old, to: new)
    }
    try await fixture.withStore { store in
      let account = fixture.account()
      #expect(
        try await store.attributes(.metadata, of: account, folder: new) == ["/shared/x y": odd, "/private/e": []])
      #expect(try await store.attributes(.metadata, of: account, folder: nil) == ["/private/a": [1]])
      #expect(try await store.attributes(.metadata, of: account, folder: .inbox) == ["/private/i": [2]])
      #expect(try await store.attributes(.rights, of: account, folder: new) == [:])
      try await store.setAttributes(.metadata, of: account, folder: new, ["/shared/x y": nil], limits: Self.limits)
      #expect(try await store.attributes(.metadata, of: account, folder: new) == ["/private/e": []])
      try await store.deleteFolder(account, name: new)
      try await store.createFolder(account, name: new)
      #expect(try await store.attributes(.metadata, of: account, folder: new) == [:])
      await #expect(throws: StoreError.self) { try await store.attributes(.metadata, of: account, folder: old) }
    }
  }

  @Test("Attributes are bounded, all or none")
  func attributesAreBounded() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let account = fixture.account()
      let many = Dictionary(uniqueKeysWithValues: (0..<4).map { ("/private/\($0)", [UInt8(1)] as [UInt8]?) })
      await #expect(throws: StoreError.self) {
        try await store.setAttributes(.metadata, of: account, folder: .inbox, many, limits: Self.limits)
      }
      await #expect(throws: StoreError.self) {
        let large: [String: [UInt8]?] = ["/private/x": [UInt8](repeating: 0, count: 1000)]
        try await store.setAttributes(.metadata, of: account, folder: .inbox, large, limits: Self.limits)
      }
      #expect(try await store.attributes(.metadata, of: account, folder: .inbox) == [:])
      // A file that another program cut gives what is whole.
      let path = "\(account.directory)/Maildir/martinet-metadata"
      try FileSystem.replace(path, with: Array("/private/a 2\nxy\n/private/b 99\nz".utf8), durable: false)
      #expect(try await store.attributes(.metadata, of: account, folder: .inbox) == ["/private/a": Array("xy".utf8)])
    }
  }
}
