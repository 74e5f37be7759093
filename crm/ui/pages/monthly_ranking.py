"""demo"""
import pandas as pd, altair as alt
import streamlit as st
from crm.ui import components as ui, session
actor = session.current_actor()
with ui.title_row(actor, "招商总览", "数据截至 2026-06-05 08:30 · 全市 24 个单位"):
    st.segmented_control("期间", ["本月","本季","本年"], default="本年", label_visibility="collapsed", key="period")
    st.selectbox("单位", ["全部单位","吉首市"], label_visibility="collapsed", key="unit", width=150)
cols = st.columns(5)
for col,(k,l,v,d,t) in zip(cols,[("a","新签约项目","318 个","+24","较上月"),("b","签约额","1,246.8 亿元","+8.6%","同比"),("c","签约率","78.6%","+2.1 个百分点","较上月"),("d","履约率","72.0%","-1.3 个百分点","较上月"),("e","开工率","49.8%","+3.4 个百分点","较上月")]):
    with col: ui.kpi(k,l,v,delta=d,delta_text=t,trend=[1,2,2,1,3,4,3,4,5,6,6,7] if k!="d" else [7,7,5,6,5,4,4,3,3,2,1])
left,right=st.columns([5,3])
f=pd.DataFrame({"rank":range(1,11),"unit":["高新区","经开区","临港新区","空港新城","东湖区","西岭区","南江区","北山区","滨河区","云溪县"],"amount":[26.9,38.9,84.1,66.6,27.5,54.7,58.3,32.8,78.8,29.1],"s":[88.7,82.1,80.9,79.5,77.6,75.5,72.9,71.7,68.8,68.5]})
with left, ui.card("rank","单位“三率”月度排名") as aside:
    with aside: st.page_link("pages/enterprises.py",label="查看完整排名",icon=":material/arrow_forward:",icon_position="right")
    ui.table(f,{"rank":st.column_config.NumberColumn("名次",width="small"),"unit":"单位","amount":st.column_config.NumberColumn("签约额(亿元)",format="%.1f"),"s":st.column_config.ProgressColumn("签约率",min_value=0,max_value=100,format="%.1f%%")},key="t")
    p=ui.pager(1234)
with right:
    with ui.card("todo","我的待办") as aside:
        with aside: ui.tag("逾期 3","red",icon="schedule")
        ui.empty_state("今天没有待办","记一笔对接，下一步会出现在这里",icon="task_alt")
    with ui.card("chart","招商漏斗"):
        st.altair_chart(alt.Chart(f).mark_bar().encode(x="amount",y=alt.Y("unit",sort=None)))
with ui.card("form","表单"):
    with st.form("f",border=False):
        a,b=st.columns(2)
        a.text_input("企业名称",placeholder="名称、拼音首字母或信用代码",key="q",type="search")
        b.date_input("对接日期")
        a.multiselect("重点产业",["白酒","茶叶"])
        b.number_input("金额(万元)",value=1.0)
        st.text_area("对接内容",required=True)
        st.file_uploader("台账文件")
        st.form_submit_button("保存",type="primary")
    if st.button("删除"):
        ui.confirm("撤回导入","确定要撤回吗？",do="撤回",action=lambda: session.flash("已撤回"))
    if st.button("出错"): 1/0
    st.info("提示"); st.warning("注意"); st.error("错误"); st.success("成功")
