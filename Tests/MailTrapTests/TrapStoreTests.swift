import Basics
import Foundation
import MailTrap
import Testing

@testable import MailTrap

@Suite("The trap's folder")
struct TrapStoreTests {
  let store: TrapStore

  init() throws {
    store = TrapStore(folder: NSTemporaryDirectory() + "trap-\(UUID().uuidString)")
    try store.prepare()
  }

  func message(_ id: String, _ change: (inout TrappedMessage) -> Void = { _ in }) -> TrappedMessage {
    var message = TrappedMessage(
      id: id, at: Timestamp(seconds: 1), sender: "a@x.test", recipients: ["b@x.test", "odd one"], login: "user",
      peer: "127.0.0.1", helo: "client", isEncrypted: true)
    change(&message)
    return message
  }

  @Test("R63: what is caught is listed, shown, brought back to the octet and cleared")
  func whole() throws {
    let content = Array("Subject: =?utf-8?q?h=C3=A9?=\r\nFrom: A <a@x.test>\r\n\r\n\0\u{1}body".utf8)
    try store.put(message("1-A"), content)
    try store.put(message("2-A"), [])
    #expect(try store.ids() == ["1-A", "2-A"])
    let shown = try store.show("1-A")
    #expect(shown.subject == "h\u{e9}" && shown.from == "A <a@x.test>" && shown.size == content.count)
    #expect(shown.recipients == ["b@x.test", "odd one"] && shown.login == "user" && shown.isEncrypted)
    #expect(try store.raw("1-A") == content)
    #expect(try store.clear("1-A") == 1)
    #expect(try store.list().map(\.id) == ["2-A"])
    #expect(try store.clear() == 1)
    #expect(try store.list().isEmpty)
  }

  @Test("Envelope words cannot add lines")
  func injection() throws {
    try store.put(message("1-A") { ($0.sender, $0.helo) = ("x\nto evil@x.test", "h\r\nlogin root") }, [])
    let shown = try store.show("1-A")
    #expect(shown.recipients == ["b@x.test", "odd one"] && shown.login == "user")
    #expect(shown.sender == "x?to evil@x.test")
  }

  @Test("Ids lead nowhere else", arguments: ["../../etc/passwd", "..", "", "a/b", "1-A.eml", "1-a", "/etc/passwd"])
  func paths(id: String) throws {
    #expect(throws: TrapStore.Failure.self) { try store.raw(id) }
    #expect(throws: TrapStore.Failure.self) { try store.show(id) }
    #expect(throws: TrapStore.Failure.self) { try store.clear(id) }
  }

  @Test("Only so many are kept, and half-written ones are not seen")
  func bounds() throws {
    for number in 1...5 { try store.put(message("\(number)-A"), []) }
    try store.trim(to: 2)
    #expect(try store.ids() == ["4-A", "5-A"])
    try Data("x".utf8).write(to: URL(fileURLWithPath: "\(store.folder)/9-A.eml.new"))
    try Data("x".utf8).write(to: URL(fileURLWithPath: "\(store.folder)/8-A.envelope"))
    #expect(try store.ids() == ["4-A", "5-A"])
    let ids = TrapIDs()
    let made = (0..<100).map { ids.next(Timestamp(seconds: $0 < 50 ? 5 : 4)) }
    #expect(Set(made).count == 100 && made == made.sorted())
  }
}
