import { useState } from "react";

export default function Preferences({ onSave }) {
  const [language, setLanguage] = useState("zh");
  const [marketingSms, setMarketingSms] = useState(true);
  return (
    <form onSubmit={onSave}>
      <label>
        语言
        <select value={language} onChange={(e) => setLanguage(e.target.value)}>
          <option value="zh">中文</option>
        </select>
      </label>
      <label>
        接收商品推广短信
        <Switch checked={marketingSms} onChange={setMarketingSms} />
      </label>
      <button type="submit">保存</button>
    </form>
  );
}
