import Basics
import Foundation
import LocalMail
import MailSyntax
import Testing

@Suite("The drop folder")
struct DropFolderTests {
  let folder: DropFolder

  init() throws {
    folder = DropFolder(path: NSTemporaryDirectory() + "drop-\(UUID().uuidString)")
    try folder.prepare()
  }

  func message(_ text: String = "Subject: x\r\n\r\nbody\r\n") throws -> LocalMessage {
    LocalMessage(
      sender: try EmailAddress("web@example.test"),
      recipients: [try EmailAddress("a@example.test"), try EmailAddress("\"b c\"@example.test")], notify: "NEVER",
      dsnReturn: "HDRS", envelopeID: "x", content: Array(text.utf8))
  }

  @Test("R69: what is left is found whole, with the user who left it")
  func roundTrip() throws {
    let name = try folder.put(try message(), now: Timestamp(seconds: 1))
    #expect(try folder.names(limit: 10) == [name])
    let entry = try #require(try folder.read(name, sizeLimit: 1000, recipientLimit: 10))
    #expect(entry.user == getuid())
    let found = try #require(entry.message)
    #expect(found.sender?.description == "web@example.test")
    #expect(found.recipients.map(\.description) == ["a@example.test", "\"b c\"@example.test"])
    #expect(found.notify == "NEVER" && found.dsnReturn == "HDRS" && found.envelopeID == "x")
    #expect(found.content == Array("Subject: x\r\n\r\nbody\r\n".utf8))
    try folder.remove(name)
    #expect(try folder.names(limit: 10).isEmpty)
    #expect(try folder.read(name, sizeLimit: 1000, recipientLimit: 10) == nil)
  }

  @Test("Others may add and not look: mode 3733, files for owner and group")
  func modes() throws {
    var info = stat()
    #expect(stat(folder.path, &info) == 0 && info.st_mode & 0o7777 == 0o3733)
    let name = try folder.put(try message(), now: Timestamp(seconds: 1))
    #expect(stat("\(folder.path)/\(name)", &info) == 0 && info.st_mode & 0o777 == 0o640)
  }

  @Test("Links, second names, cut-off and forged files are nobody's mail")
  func forged() throws {
    let name = try folder.put(try message(), now: Timestamp(seconds: 1))
    let path = "\(folder.path)/\(name)"
    #expect(link(path, "\(folder.path)/2.link") == 0)
    #expect(try folder.read("2.link", sizeLimit: 1000, recipientLimit: 10)?.message == nil)
    #expect(symlink("/etc/passwd", "\(folder.path)/3.link") == 0)
    #expect(try folder.read("3.link", sizeLimit: 1000, recipientLimit: 10)?.message == nil)
    unlink("\(folder.path)/2.link")
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for length in 0..<whole.count {
      try whole.prefix(length).write(to: URL(fileURLWithPath: "\(folder.path)/4.cut"))
      #expect(try folder.read("4.cut", sizeLimit: 1000, recipientLimit: 10)?.message == nil, "cut at \(length)")
    }
    for text in [
      "martinet-drop 1\nfrom a@b.test\nto x\nsize 0\n\n", "martinet-drop 1\nfrom \nsize 0\n\n",
      "martinet-drop 1\nfrom \nto a@b.test\nroot yes\nsize 0\n\n",
      "martinet-drop 1\nfrom \nfrom \nto a@b.test\nsize 0\n\n",
      "martinet-drop 2\nfrom \nto a@b.test\nsize 0\n\n",
      "martinet-drop 1\nfrom \nto a@b.test\nsize 99999999999999999999\n\n",
    ] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder.path)/5.bad"))
      #expect(try folder.read("5.bad", sizeLimit: 1000, recipientLimit: 10)?.message == nil, "\(text.debugDescription)")
    }
    try folder.setAside("5.bad")
    #expect(try !folder.names(limit: 10).contains("5.bad"))
  }
}
